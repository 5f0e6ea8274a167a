# Reference values for sensitivity analyses: leave-one-out, influence, cumulative, fail-safe N.
# Rscript tests/reference/sensitivity.R rewrites sensitivity.json.
suppressMessages({library(metafor); library(jsonlite)})
options(warn = -1)

here <- dirname(normalizePath(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))))
tight <- list(threshold = 1e-12, maxiter = 1000, tol = 1e-12)

# Numbers with 17 significant digits, enough to restore every double exactly.
exact <- function(x) {
  if (is.list(x)) return(lapply(x, exact))
  if (!is.numeric(x)) return(x)
  text <- ifelse(is.finite(x), sprintf("%.17g", x), "null")
  structure(if (length(x) == 1) text else paste0("[", paste(text, collapse = ","), "]"),
            class = "json")
}

# ---- data: effects and variances only ------------------------------------------------------------
case <- function(name, yi, vi) list(name = name, yi = as.numeric(yi), vi = as.numeric(vi))

published <- function() {
  bcg <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
  normand <- escalc(measure = "SMD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i,
                    n2i = n2i, data = dat.normand1999)
  egger <- escalc(measure = "OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.egger2001)
  list(case("bcg", bcg$yi, bcg$vi), case("normand1999", normand$yi, normand$vi),
       case("egger2001", egger$yi, egger$vi),
       case("hackshaw1998", dat.hackshaw1998$yi, dat.hackshaw1998$vi))
}

simulated <- function() {
  set.seed(20240818)
  lapply(1:12, function(j) {
    k <- c(3, 4, 6, 20)[(j - 1) %% 4 + 1]
    vi <- exp(runif(k, log(0.01), log(c(0.05, 1)[j %% 2 + 1])))
    tau <- c(0, 0.3, 1)[(j - 1) %% 3 + 1]
    case(sprintf("simulated %02d", j), rnorm(k, 0.4, sqrt(vi + tau^2)), vi)
  })
}

numbers <- function(fit) list(
  k = fit$k, estimate = fit$beta[1], se = fit$se, ci_lb = fit$ci.lb, ci_ub = fit$ci.ub,
  pval = fit$pval, tau2 = fit$tau2, q = fit$QE)

# leave1out() and cumul() refit with the control of the fit; the same fits one by one, so that each
# may fall back on smaller steps when Fisher scoring does not end.
fit_of <- function(yi, vi, method, test) tryCatch(
  rma(yi, vi, method = method, test = test, control = tight),
  error = function(e) rma(yi, vi, method = method, test = test,
                          control = c(tight, list(stepadj = 0.5))))

columns <- function(rows) {
  names <- names(rows[[1]])
  setNames(lapply(names, function(n) vapply(rows, function(r) r[[n]], numeric(1))), names)
}

diagnostics <- function(fit) {
  found <- influence(fit)
  inf <- found$inf
  list(rstudent = inf$rstudent, dffits = inf$dffits, cook_d = inf$cook.d, cov_r = inf$cov.r,
       tau2_del = inf$tau2.del, q_del = inf$QE.del, hat = inf$hat, weight = inf$weight,
       dfbeta = found$dfbs$intrcpt, is_influential = as.numeric(found$is.infl))
}

front_door <- function(fit) {
  found <- leave1out(fit)
  steps <- cumul(fit)
  list(leave_one_out = list(estimate = found$estimate, se = found$se, tau2 = found$tau2),
       cumulative = list(estimate = steps$estimate, tau2 = steps$tau2))
}

analyses <- function(d) {
  k <- length(d$yi)
  out <- list()
  for (method in c("REML", "EE")) for (test in c("z", "knha")) {
    fit <- fit_of(d$yi, d$vi, method, test)
    without <- lapply(seq_len(k), function(i) numbers(fit_of(d$yi[-i], d$vi[-i], method, test)))
    upto <- lapply(2:k, function(i) numbers(fit_of(d$yi[1:i], d$vi[1:i], method, test)))
    out <- c(out, list(list(
      method = method, test = test, leave_one_out = columns(without), cumulative = columns(upto),
      influence = tryCatch(diagnostics(fit), error = function(e) NULL),
      front_door = tryCatch(front_door(fit), error = function(e) NULL))))
  }
  out
}

fail_safe <- function(d) {
  rosenthal <- lapply(c(0.05, 0.01), function(alpha) {
    found <- fsn(d$yi, d$vi, type = "Rosenthal", alpha = alpha)
    list(alpha = alpha, n = found$fsnum, pval = found$pval)
  })
  orwin <- lapply(c(0.1, 0.24), function(target) {
    found <- fsn(d$yi, d$vi, type = "Orwin", target = target)
    list(target = target, n = found$fsnum, mean = found$meanes)
  })
  list(rosenthal = rosenthal, orwin = orwin)
}

values <- function(d) c(d, list(analyses = analyses(d), fail_safe = fail_safe(d)))

document <- list(
  made_by = "tests/reference/sensitivity.R",
  r = R.version.string,
  packages = list(metafor = as.character(packageVersion("metafor")),
                  metadat = as.character(packageVersion("metadat"))),
  calls = c("rma(yi[-i], vi[-i], method, test, control = tight)",
            "rma(yi[1:i], vi[1:i], method, test, control = tight)",
            "influence(rma(yi, vi, method, test, control = tight))", "leave1out(.)", "cumul(.)",
            "fsn(yi, vi, type, alpha, target)"),
  control = tight, cases = lapply(c(published(), simulated()), values))
text <- toJSON(exact(document), auto_unbox = TRUE, null = "null", json_verbatim = TRUE)
writeLines(text, file.path(here, "sensitivity.json"))
