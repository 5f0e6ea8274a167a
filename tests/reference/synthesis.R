# Writes synthesis.json: pooled estimates by metafor, for generated and for published data sets.
# Run: Rscript tests/reference/synthesis.R

suppressMessages({
  library(metafor)
  library(metadat)
  library(jsonlite)
})

METHODS <- c("EE", "DL", "HE", "PM", "ML", "REML", "SJ", "HS")
TESTS <- c("z", "knha", "adhoc")
TIGHT <- list(threshold = 1e-12, maxiter = 1000, tol = 1e-12, tau2.max = 1e9)

# Score of the (restricted) likelihood in tau2, and the likelihood itself: the check of which
# maximum metafor's climb ended in, and the fallback where it did not end.
log_likelihood <- function(t, y, v, restricted) {
  w <- 1 / (v + t)
  mu <- sum(w * y) / sum(w)
  0.5 * (sum(log(w)) - restricted * log(sum(w)) - sum(w * (y - mu)^2))
}

score <- function(t, y, v, restricted) {
  w <- 1 / (v + t)
  mu <- sum(w * y) / sum(w)
  sum(w^2 * (y - mu)^2) - sum(w) + restricted * sum(w^2) / sum(w)
}

highest_mode <- function(y, v, restricted) {
  top <- 10 * (diff(range(y))^2 + max(v))
  grid <- c(0, exp(seq(log(min(v) * 1e-6), log(top), length.out = 4000)))
  heights <- sapply(grid, log_likelihood, y = y, v = v, restricted = restricted)
  best <- which.max(heights)
  if (best == 1 && score(0, y, v, restricted) <= 0) return(0)
  ends <- grid[c(max(best - 1, 1), best + 1)]
  uniroot(score, ends, y = y, v = v, restricted = restricted, tol = 1e-14 * min(v), maxiter = 10000)$root
}

interval_row <- function(fit, type = "QP") {
  found <- suppressWarnings(suppressMessages(try(
    confint(fit, type = type, control = list(tol = 1e-12, maxiter = 10000, tau2.max = 1e9)),
    silent = TRUE
  )))
  if (inherits(found, "try-error")) return(NULL)
  random <- found$random
  list(
    tau2 = random["tau^2", 2:3], i2 = random["I^2(%)", 2:3], h2 = random["H^2", 2:3],
    null = found$ci.null
  )
}

one_fit <- function(y, v, method, test) {
  fixed <- NULL
  climb <- "ok"
  fit <- suppressWarnings(try(
    rma(y, v, method = method, test = test, control = TIGHT), silent = TRUE
  ))
  if (method %in% c("ML", "REML")) {
    mode <- highest_mode(y, v, method == "REML")
    if (inherits(fit, "try-error")) {
      climb <- "failed"
    } else if (abs(fit$tau2 - mode) > 1e-6 * (mode + min(v))) {
      climb <- "lower mode"
    }
    if (climb != "ok") fit <- suppressWarnings(rma(y, v, tau2 = mode, method = method, test = test))
  }
  row <- list(
    method = method, test = test, climb = climb, tau2 = fit$tau2, estimate = c(fit$beta),
    se = fit$se, stat = fit$zval, pval = fit$pval, ci_lb = fit$ci.lb, ci_ub = fit$ci.ub,
    i2 = fit$I2, h2 = fit$H2
  )
  if (method != "EE" && length(y) > 2) {
    k1 <- suppressWarnings(predict(fit))
    row$pi <- c(k1$pi.lb, k1$pi.ub)
    # With tau2 given, as after a failed climb, metafor counts no degree of freedom for it.
    if (method == "REML" && climb == "ok") {
      k2 <- suppressWarnings(predict(fit, pi.type = "riley"))
      row$pi_riley <- c(k2$pi.lb, k2$pi.ub)
    }
  }
  row
}

data_set <- function(name, y, v, number, profile = length(y) <= 30) {
  dl <- suppressWarnings(rma(y, v, method = "DL", control = TIGHT))
  tests <- TESTS[(number + seq_along(METHODS)) %% 3 + 1]
  fits <- Map(function(m, t) one_fit(y, v, m, t), METHODS, tests)
  reml <- one_fit(y, v, "REML", "knha")
  if (tests[METHODS == "REML"] != "knha") fits <- c(fits, list(reml))
  set <- list(
    name = name, yi = y, vi = v, q = dl$QE, q_pval = dl$QEp, q_profile = interval_row(dl),
    weights = if (length(y) <= 15) unname(weights(dl)),
    fits = unname(fits)
  )
  if (profile) {
    for (m in c("ML", "REML")) {
      row <- fits[[m]]
      if (row$climb == "ok" && row$tau2 > 0) {
        found <- interval_row(rma(y, v, method = m, control = TIGHT), type = "PL")
        if (!is.null(found)) set[[paste0("pl_", tolower(m))]] <- found$tau2
      }
    }
  }
  set
}

generated <- function() {
  set.seed(20261124)
  grid <- expand.grid(
    spread = c("under", "none", "equal", "huge"), ratio = c(1, 10, 100, 1e4),
    k = c(2, 3, 4, 5, 7, 10, 15, 30, 60, 200), stringsAsFactors = FALSE
  )
  lapply(seq_len(nrow(grid)), function(i) {
    g <- grid[i, ]
    v <- signif(0.02 * g$ratio^c(0, 1, runif(max(g$k - 2, 0)))[seq_len(g$k)], 5)
    tau2 <- c(under = 0, none = 0, equal = exp(mean(log(v))), huge = 1e4 * median(v))[[g$spread]]
    noise <- if (g$spread == "under") 0.3 else 1
    y <- signif(0.3 + rnorm(g$k, sd = noise * sqrt(v + tau2)), 6)
    data_set(sprintf("k=%d ratio=%g tau2=%s", g$k, g$ratio, g$spread), y, v, i)
  })
}

published <- function() {
  bcg <- function(measure) {
    escalc(measure = measure, ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
  }
  collins <- escalc(
    measure = "OR", ai = pre.xti, n1i = pre.nti, ci = pre.xci, n2i = pre.nci,
    data = dat.collins1985b
  )
  # Counts as printed by DerSimonian & Kacker (2007), table 1 (CLASP).
  clasp <- escalc(
    measure = "OR", ai = c(5, 5, 12, 69, 9, 313), n1i = c(156, 303, 565, 1570, 103, 4659),
    ci = c(8, 17, 9, 94, 11, 352), n2i = c(74, 303, 477, 1565, 105, 4650)
  )
  sets <- list(
    "dersimonian2007 CLASP" = clasp, "collins1985b" = collins, "BCG RR" = bcg("RR"),
    "BCG OR" = bcg("OR"), "BCG RD" = bcg("RD"),
    "six studies" = list(
      yi = c(.10, .30, .35, .65, .45, .15), vi = c(.03, .03, .05, .01, .05, .02)
    ),
    "nearly identical" = list(yi = c(.50, .501, .499, .50), vi = c(.09, .09, .09, .09)),
    "climb fails" = list(
      yi = c(.15872, -.271495, -.291095, -.397414, -.636314, .435146, -.728928, -.204076,
             -.0932475, -.4143),
      vi = c(.0415214, .363965, .169799, .277155, .264515, .857369, .102776, .100358, .191675,
             .0857468)
    )
  )
  lapply(seq_along(sets), function(i) {
    data_set(names(sets)[i], as.numeric(sets[[i]]$yi), as.numeric(sets[[i]]$vi), i, profile = TRUE)
  })
}

here <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
out <- list(
  made_with = list(
    r = R.version.string, metafor = as.character(packageVersion("metafor")),
    metadat = as.character(packageVersion("metadat")),
    call = "rma(yi, vi, method, test, control = list(threshold = 1e-12, maxiter = 1000, tol = 1e-12))",
    note = paste(
      "climb: 'failed' or 'lower mode' where metafor's own iteration did not end, or ended in a",
      "lower maximum; the row then holds rma(tau2 = the highest maximum found on a grid)"
    )
  ),
  published = published(), generated = generated()
)
write_json(out, file.path(dirname(here), "synthesis.json"), digits = I(17), auto_unbox = TRUE,
           null = "null", na = "null")
