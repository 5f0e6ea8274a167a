# Reference values of the clinical translations, from first principles: probabilities of normal
# outcomes by quadrature, rates from odds by arithmetic. Published figures are typed from print.
# Run: Rscript tests/reference/translation.R     (rewrites translation.json beside this file)

suppressMessages(library(jsonlite))

folder <- function() {
  file <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  dirname(normalizePath(file))
}

# Numbers with 17 significant digits, enough to restore every double exactly.
exact <- function(x) {
  if (is.list(x)) return(lapply(x, exact))
  if (!is.numeric(x)) return(x)
  text <- sprintf("%.17g", x)
  structure(if (length(x) == 1) text else paste0("[", paste(text, collapse = ", "), "]"),
            class = "json")
}

quad <- function(f, from, to) integrate(f, from, to, rel.tol = 1e-13, abs.tol = 1e-16,
                                        subdivisions = 2000L)$value

# A person of the experimental arm, X ~ N(g, 1), against one of the comparator, Y ~ N(0, 1).
superior <- function(g) {
  f <- function(x) dnorm(x, g) * pnorm(x)
  quad(f, g - 12, g) + quad(f, g, g + 12)
}
above_mean <- function(g) 0.5 + sign(g) * quad(function(x) dnorm(x, g), min(0, g), max(0, g))

# The event is to lie beyond the point that the share `rate` of the comparator arm lies beyond.
smd_rate <- function(g, rate, event) {
  point <- uniroot(function(p) pnorm(p) - rate, c(-12, 12), tol = 1e-15)$root
  # A good event lies above -point, a bad one below point; the experimental arm is moved by g.
  if (event == "good") 1 - pnorm(-point, mean = g) else pnorm(point, mean = g)
}
or_rate <- function(or, rate) { odds <- or * rate / (1 - rate); odds / (1 + odds) }

g <- c(-1.2, -0.5, -0.1, 0.05, 0.1, 0.24, 0.5, 0.8, 1.5, 3)
rates <- expand.grid(measure = c("SMD", "OR", "RR", "RD"), rate = c(0.05, 0.2, 0.4, 0.5),
                     event = c("good", "bad"), i = 1:4, stringsAsFactors = FALSE)
effects <- list(SMD = c(-0.4, 0.1, 0.24, 0.9), OR = c(0.3, 0.9, 1.6, 4), RR = c(0.25, 0.8, 1.2, 1.9),
                RD = c(-0.04, -0.01, 0.1, 0.3))
rate_cases <- lapply(seq_len(nrow(rates)), function(j) {
  r <- rates[j, ]
  effect <- effects[[r$measure]][r$i]
  experimental <- switch(r$measure, SMD = smd_rate(effect, r$rate, r$event),
                         OR = or_rate(effect, r$rate), RR = effect * r$rate, RD = r$rate + effect)
  list(measure = r$measure, effect = effect, control_event_rate = r$rate, event = r$event,
       rate = experimental,
       benefit = if (r$event == "good") experimental - r$rate else r$rate - experimental)
})

document <- list(
  about = "Numbers needed to treat, event rates and overlap of normal outcomes from first principles",
  r = R.version.string, packages = list(jsonlite = as.character(packageVersion("jsonlite"))),
  call = "integrate(rel.tol = 1e-13), uniroot(tol = 1e-15)",
  g = g, superiority = vapply(g, superior, 0), above_mean = vapply(g, above_mean, 0),
  # The log odds ratio of two logistic outcomes whose means lie g standard deviations apart.
  log_odds = vapply(g, function(d) {
    s <- sqrt(3) / pi
    comparator <- qlogis(plogis(0.3, 0, s, lower.tail = FALSE))
    qlogis(plogis(0.3, d, s, lower.tail = FALSE)) - comparator
  }, 0),
  rates = rate_cases,
  published = list(
    table_of_d = list(
      source = "PMC9307914, table 3",
      d = c(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
      nnt = c(17.7, 8.9, 6.0, 4.5, 3.6, 3.0, 2.6, 2.3),
      above_mean = c(.540, .579, .618, .655, .691, .726, .758, .788)),
    altman = list(source = "doi:10.1136/bmj.317.7168.1309: benefit 10 % (-5 % to 25 %)",
                  benefit = c(0.10, -0.05, 0.25), nnt = 10, best = 4, worst_harm = 20),
    barrowman = list(source = "Barrowman, CMAJ 2002;166(13):1676: benefit 16.6 % (0.9 % to 32.2 %)",
                     benefit = c(0.166, 0.009, 0.322), nnt = 6, best = 3.1, worst = 111.1)))
write_json(exact(document), file.path(folder(), "translation.json"), auto_unbox = TRUE,
           pretty = TRUE, json_verbatim = TRUE)
