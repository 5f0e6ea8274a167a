# Reference values of the Bayesian random-effects model, by a route of its own: adaptive
# Gauss-Kronrod quadrature (integrate) over tau itself, piece by piece, and roots by uniroot.
# The package under test integrates over log(tau) by the trapezoidal rule instead.
# Run: Rscript tests/reference/bayes.R   (rewrites bayes.json beside this file; about 4 minutes)

suppressMessages({library(metafor); library(metadat); library(jsonlite)})

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

log_prior <- function(tau, prior, scale) {
  if (prior == "half-normal") dnorm(tau, 0, scale, log = TRUE) else dcauchy(tau, 0, scale, log = TRUE)
}

# Mean and variance of mu given each tau.
mean_var <- function(t, yi, vi) {
  w <- 1 / outer(vi, t^2, "+")
  v <- 1 / colSums(w)
  list(m = colSums(w * yi) * v, v = v)
}

# Density of the data at each tau after the mean is integrated out under a flat prior.
log_marginal <- function(t, yi, vi) {
  total <- outer(vi, t^2, "+")
  mv <- mean_var(t, yi, vi)
  centred <- outer(yi, mv$m, "-")
  colSums(matrix(dnorm(centred, 0, sqrt(total), log = TRUE), nrow = length(yi))) +
    0.5 * log(2 * pi * mv$v)
}

# The last piece, to infinity, is turned over (u = 1/t): a power of t becomes a power of u.
piece <- function(f, a, b) {
  g <- if (is.infinite(b)) function(u) f(1 / u) / u^2 else f
  ends <- if (is.infinite(b)) c(0, 1 / a) else c(a, b)
  integrate(g, ends[1], ends[2], rel.tol = 1e-12, abs.tol = 0, subdivisions = 2000L,
            stop.on.error = FALSE)$value
}

pieces <- function(f, breaks) {
  sum(vapply(seq_len(length(breaks) - 1), function(i) piece(f, breaks[i], breaks[i + 1]), 0))
}

# Break points of (0, Inf): a ladder of equal ratios, without the steps at either end on which the
# posterior lies below exp(-110) of its top.
posterior <- function(yi, vi, prior, scale) {
  log_post <- function(t) log_marginal(t, yi, vi) + log_prior(t, prior, scale)
  upper <- 1e3 * max(scale, sqrt(max(vi)), diff(range(yi)))
  lower <- 1e-3 * min(scale, sqrt(min(vi)))
  fine <- exp(seq(log(lower), log(upper), length.out = 4001))
  height <- log_post(fine)
  top <- max(height)
  high <- range(which(height > top - 110))
  ladder <- exp(seq(log(fine[high[1]]), log(fine[high[2]]), length.out = 41))
  breaks <- c(if (high[1] == 1) 0, ladder,
              if (high[2] == 4001) c(upper * 10^(1:4), Inf))
  density <- function(t) exp(log_post(t) - top)
  each <- vapply(seq_len(length(breaks) - 1), function(i) pieces(density, breaks[i + 0:1]), 0)
  mass <- sum(each)
  list(breaks = breaks, density = density, mass = mass, cumulated = cumsum(c(0, each)) / mass,
       mean_var = function(t) mean_var(t, yi, vi),
       expect = function(g) pieces(function(t) g(t) * density(t), breaks) / mass)
}

cdf_mu <- function(p, x, new = FALSE) {
  p$expect(function(t) {
    mv <- p$mean_var(t)
    pnorm(x, mv$m, sqrt(mv$v + if (new) t^2 else 0))
  })
}

above <- function(p, x, new = FALSE) {
  p$expect(function(t) {
    mv <- p$mean_var(t)
    pnorm(x, mv$m, sqrt(mv$v + if (new) t^2 else 0), lower.tail = FALSE)
  })
}

root <- function(f, start, step, tol) {
  while (f(start - step) > 0) step <- 2 * step
  while (f(start + step) < 0) step <- 2 * step
  uniroot(f, c(start - step, start + step), tol = tol, maxiter = 1000)$root
}

quantile_mu <- function(p, q, new, centre, step) {
  root(function(x) cdf_mu(p, x, new) - q, centre, step, 1e-10 * step)
}

quantile_tau <- function(p, q) {
  i <- max(which(p$cumulated <= q))
  a <- p$breaks[i]; b <- p$breaks[i + 1]
  f <- function(t) p$cumulated[i] + if (t == a) -q else pieces(p$density, c(a, t)) / p$mass - q
  uniroot(f, c(a, b), tol = 1e-13 * b, maxiter = 1000)$root
}

solve_case <- function(case) {
  yi <- case$yi; vi <- case$vi; k <- length(yi)
  p <- posterior(yi, vi, case$prior, case$scale)
  order_exists <- if (case$prior == "half-normal") 2 else min(k - 1, 2)
  tail <- (1 - case$level) / 2
  mid <- p$mean_var(quantile_tau(p, 0.5))
  centre <- mid$m; step <- sqrt(mid$v)
  # Moments about the centre, so that no digits cancel.
  mean <- se <- tau_mean <- NULL
  if (order_exists >= 1) {
    shift <- p$expect(function(t) p$mean_var(t)$m - centre)
    mean <- centre + shift
    tau_mean <- p$expect(function(t) t)
  }
  if (order_exists >= 2) se <- sqrt(p$expect(function(t) {
    mv <- p$mean_var(t); mv$v + (mv$m - centre - shift)^2
  }))
  value <- list(
    estimate = quantile_mu(p, 0.5, FALSE, centre, step), mean = mean, se = se,
    ci_lb = quantile_mu(p, tail, FALSE, centre, step),
    ci_ub = quantile_mu(p, 1 - tail, FALSE, centre, step),
    tau = quantile_tau(p, 0.5), tau_mean = tau_mean,
    tau_ci_lb = quantile_tau(p, tail), tau_ci_ub = quantile_tau(p, 1 - tail),
    pi_lb = quantile_mu(p, tail, TRUE, centre, step),
    pi_ub = quantile_mu(p, 1 - tail, TRUE, centre, step),
    prob_benefit = above(p, 0), prob_worthwhile = above(p, case$threshold),
    prob_benefit_new = above(p, 0, TRUE),
    prob_worthwhile_new = above(p, case$threshold, TRUE))
  c(case, list(expected = Filter(Negate(is.null), value)))
}

# The same probabilities without any algebra: the joint posterior of mu and tau as a product of
# densities, integrated over mu numerically and over tau numerically.
brute_force <- function(case) {
  yi <- case$yi; vi <- case$vi
  reach <- function(t) 12 * sqrt(max(vi) + t^2) + diff(range(yi))
  joint <- function(mu, t) exp(vapply(mu, function(m) {
    sum(dnorm(yi, m, sqrt(vi + t^2), log = TRUE))
  }, 0) + log_prior(t, case$prior, case$scale))
  over_mu <- function(t, from) vapply(t, function(u) {
    c0 <- weighted.mean(yi, 1 / (vi + u^2))
    lo <- max(from, c0 - reach(u)); hi <- c0 + reach(u)
    if (lo >= hi) return(0)
    inside <- c0 > lo && c0 < hi
    cuts <- if (inside) c(lo, c0, hi) else c(lo, hi)
    sum(vapply(seq_len(length(cuts) - 1), function(i) {
      integrate(joint, cuts[i], cuts[i + 1], t = u, rel.tol = 1e-10, abs.tol = 0)$value
    }, 0))
  }, 0)
  breaks <- c(0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 8 * case$scale + 3.2)
  total <- pieces(function(t) over_mu(t, -Inf), breaks)
  c(case, list(expected = list(
    prob_benefit = pieces(function(t) over_mu(t, 0), breaks) / total,
    prob_worthwhile = pieces(function(t) over_mu(t, case$threshold), breaks) / total)))
}

case <- function(name, yi, vi, prior, scale = 0.5, level = 0.95, threshold = 0.24) {
  list(name = name, yi = as.numeric(yi), vi = as.numeric(vi), prior = prior, scale = scale,
       level = level, threshold = threshold)
}

simulated <- function() {
  set.seed(20240611)
  made <- list()
  for (k in c(1, 2, 3, 5, 10, 40)) for (ratio in c(1, 1e2, 1e4)) {
    if (k == 1 && ratio > 1) next
    for (tau in c(0, 0.02, 0.3, 20)) {
      vi <- 0.01 * exp(runif(k, 0, log(ratio)))
      yi <- rnorm(k, 0.3, sqrt(vi + tau^2))
      prior <- if (length(made) %% 2) "half-cauchy" else "half-normal"
      made[[length(made) + 1]] <- case(
        sprintf("k = %d, variance ratio %g, tau = %g", k, ratio, tau), yi, vi, prior,
        scale = c(0.5, 0.1, 1, 5)[1 + length(made) %% 4],
        level = c(0.95, 0.9, 0.99)[1 + length(made) %% 3])
    }
  }
  made
}

published <- function() {
  bcg <- escalc("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
  normand <- escalc("SMD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i,
                    data = dat.normand1999)
  schools <- c(28.39, 7.94, -2.75, 6.82, -0.64, 0.63, 18.01, 12.16)
  schools_se <- c(14.9, 10.2, 16.3, 11.0, 9.4, 11.4, 10.4, 17.6)
  made <- list()
  for (prior in c("half-normal", "half-cauchy")) {
    made <- c(made, list(
      case(paste("BCG vaccine, log risk ratio,", prior), bcg$yi, bcg$vi, prior, threshold = -0.5),
      case(paste("length of stay (Normand 1999), SMD,", prior), normand$yi, normand$vi, prior),
      case(paste("eight schools (Rubin 1981),", prior), schools, schools_se^2, prior, scale = 25,
           threshold = 5),
      case(paste("six trials,", prior), c(.10, .30, .35, .65, .45, .15),
           c(.03, .03, .05, .01, .05, .02), prior),
      case(paste("three equal effects,", prior), rep(0.4, 3), c(0.02, 0.04, 0.08), prior),
      case(paste("two trials,", prior), c(0.2, 0.6), c(0.04, 0.09), prior)))
  }
  made
}

plain <- list(
  case("two trials", c(0.2, 0.6), c(0.04, 0.09), "half-normal"),
  case("three trials", c(0.1, 0.3, 0.65), c(0.03, 0.03, 0.05), "half-normal"),
  case("six trials", c(.10, .30, .35, .65, .45, .15), c(.03, .03, .05, .01, .05, .02),
       "half-normal", scale = 0.25))

document <- list(
  about = paste("Posterior of the normal-normal random-effects model with a flat prior of mu;",
                "quadrature by stats::integrate over tau, roots by stats::uniroot"),
  r = R.version.string,
  packages = list(metafor = as.character(packageVersion("metafor")),
                  metadat = as.character(packageVersion("metadat"))),
  call = "integrate(rel.tol = 1e-12) on about 40 pieces of (0, Inf); uniroot(tol = 1e-10 of a standard error)",
  cases = lapply(c(published(), simulated()), solve_case),
  without_algebra = lapply(plain, brute_force),
  # Printed by bayesmeta (its introductory vignette, section "A simple example", second analysis:
  # improper uniform priors of mu and tau); typed from the page, not computed here. Its values for
  # mu and theta rest on a coarser grid of tau (delta = 0.01) than those for tau.
  bayesmeta = list(
    source = "R package bayesmeta, vignette 'An introduction to meta-analysis using the bayesmeta package'",
    yi = c(28.39, 7.94, -2.75, 6.82, -0.64, 0.63, 18.01, 12.16),
    sei = c(14.9, 10.2, 16.3, 11.0, 9.4, 11.4, 10.4, 17.6),
    tau = list(median = 5.227732, mean = 6.585992),
    mu = list(median = 8.055861, mean = 8.092138, sd = 5.246683)))
write_json(exact(document), file.path(folder(), "bayes.json"), auto_unbox = TRUE, pretty = TRUE,
           json_verbatim = TRUE)
