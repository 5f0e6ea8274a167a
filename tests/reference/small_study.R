# Reference values for small-study effects: regression tests, rank test, trim and fill, PET-PEESE,
# three-parameter selection model. Rscript tests/reference/small_study.R rewrites small_study.json.
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
case <- function(name, yi, vi, n_e = NULL, n_c = NULL)
  list(name = name, yi = as.numeric(yi), vi = as.numeric(vi), n_e = n_e, n_c = n_c)

published <- function() {
  egger <- escalc(measure = "OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.egger2001,
                  subset = -16)
  kept <- dat.egger2001[-16, ]
  hackshaw <- dat.hackshaw1998
  normand <- escalc(measure = "SMD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i,
                    n2i = n2i, data = dat.normand1999)
  bcg <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
  baskerville <- dat.baskerville2012
  gibson <- escalc(measure = "SMD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i,
                   n2i = n2i, data = dat.gibson2002)
  gibson <- gibson[!is.na(gibson$yi), ]
  list(
    case("egger2001", egger$yi, egger$vi, kept$n1i, kept$n2i),
    case("hackshaw1998", hackshaw$yi, hackshaw$vi),
    case("normand1999", normand$yi, normand$vi, normand$n1i, normand$n2i),
    case("bcg", bcg$yi, bcg$vi, bcg$tpos + bcg$tneg, bcg$cpos + bcg$cneg),
    case("baskerville2012", baskerville$smd, baskerville$se^2),
    case("gibson2002", gibson$yi, gibson$vi, gibson$n1i, gibson$n2i)
  )
}

simulated <- function() {
  set.seed(20240817)
  lapply(1:30, function(j) {
    k <- c(3, 4, 6, 10, 15, 40)[(j - 1) %% 6 + 1]
    n_e <- sample(8:120, k, replace = TRUE)
    n_c <- pmax(8, round(n_e * runif(k, 0.7, 1.3)))
    tau <- c(0, 0.1, 0.3, 1, 0.2)[(j - 1) %% 5 + 1]
    slope <- c(0, 0.8, 1.5)[(j - 1) %% 3 + 1]
    width <- sqrt(1 / n_e + 1 / n_c)
    yi <- rnorm(k, 0.2 + slope * width, sqrt(width^2 + tau^2))
    case(sprintf("simulated %02d", j), yi, width^2 + yi^2 / (2 * (n_e + n_c)), n_e, n_c)
  })
}

# ---- regressions ---------------------------------------------------------------------------------
predictors <- function(d) {
  found <- list(sei = sqrt(d$vi), vi = d$vi)
  if (!is.null(d$n_e)) {
    found$pustejovsky <- sqrt(1 / d$n_e + 1 / d$n_c)
    found$sqrtninv <- 1 / sqrt(d$n_e + d$n_c)
  }
  found
}

by_lm <- function(d, x) {
  found <- summary(lm(d$yi ~ x, weights = 1 / d$vi))
  rows <- unname(found$coefficients)
  half <- qt(0.975, found$df[2]) * rows[, 2]
  list(limit = rows[1, 1], limit_se = rows[1, 2], limit_ci_lb = rows[1, 1] - half[1],
       limit_ci_ub = rows[1, 1] + half[1], limit_pval = rows[1, 4],
       slope = rows[2, 1], slope_se = rows[2, 2], slope_ci_lb = rows[2, 1] - half[2],
       slope_ci_ub = rows[2, 1] + half[2], statistic = rows[2, 3], pval = rows[2, 4],
       dispersion = found$sigma^2)
}

by_rma <- function(d, x, method, test) {
  found <- rma(d$yi, d$vi, mods = ~ x, method = method, test = test, control = tight)
  list(limit = found$beta[1], limit_se = found$se[1], limit_ci_lb = found$ci.lb[1],
       limit_ci_ub = found$ci.ub[1], limit_pval = found$pval[1],
       slope = found$beta[2], slope_se = found$se[2], slope_ci_lb = found$ci.lb[2],
       slope_ci_ub = found$ci.ub[2], statistic = found$zval[2], pval = found$pval[2],
       tau2 = found$tau2)
}

regressions <- function(d) {
  out <- list()
  for (name in names(predictors(d))) {
    x <- predictors(d)[[name]]
    out <- c(out, list(c(list(predictor = name, model = "lm"), by_lm(d, x))))
    for (test in c("z", "knha")) for (method in c("REML", "ML")) {
      fit <- tryCatch(by_rma(d, x, method, test), error = function(e) NULL)
      if (!is.null(fit))
        out <- c(out, list(c(list(predictor = name, model = "rma", method = method, test = test),
                             fit)))
    }
  }
  out
}

# metafor's own front door, for the predictors it knows
front_door <- function(d) {
  ni <- if (is.null(d$n_e)) NULL else d$n_e + d$n_c
  kinds <- c("sei", "vi", if (!is.null(ni)) "sqrtninv")
  lapply(kinds, function(p) {
    call <- list(d$yi, vi = d$vi, model = "lm", predictor = p)
    found <- do.call(regtest, if (is.null(ni)) call else c(call, list(ni = ni)))
    list(predictor = p, statistic = found$zval, pval = found$pval, limit = found$est,
         limit_ci_lb = found$ci.lb, limit_ci_ub = found$ci.ub)
  })
}

rank_values <- function(d) {
  found <- ranktest(d$yi, vi = d$vi)
  list(tau = unname(found$tau), pval = found$pval)
}

# ---- trim and fill -------------------------------------------------------------------------------
fills <- function(d) {
  out <- list()
  for (method in c("EE", "DL", "REML")) for (estimator in c("L0", "R0"))
    for (side in c("left", "right")) {
      fit <- tryCatch(rma(d$yi, d$vi, method = method, control = tight), error = function(e) NULL)
      found <- tryCatch(trimfill(fit, estimator = estimator, side = side), error = function(e) NULL)
      # trimfill() pools the filled data with loose control: pool them again.
      again <- tryCatch(rma(as.numeric(found$yi), found$vi, method = method, test = "knha",
                            control = tight), error = function(e) NULL)
      if (is.null(found) || is.null(again)) next
      out <- c(out, list(list(
        method = method, estimator = estimator, side = side, k0 = found$k0, k0_se = found$se.k0,
        k0_pval = found$p.k0, estimate = again$beta[1], se = again$se, ci_lb = again$ci.lb,
        ci_ub = again$ci.ub, tau2 = again$tau2)))
    }
  out
}

chosen_side <- function(d) {
  found <- tryCatch(trimfill(rma(d$yi, d$vi, control = tight)), error = function(e) NULL)
  if (is.null(found)) NULL else found$side
}

# ---- selection model -----------------------------------------------------------------------------
selections <- function(d) {
  out <- list()
  for (alternative in c("greater", "less")) {
    pvals <- pnorm(d$yi / sqrt(d$vi), lower.tail = alternative != "greater")
    # Without trials on both sides of the cut the weight runs to its limit.
    if (all(pvals <= 0.025) || all(pvals > 0.025)) next
    fit <- rma(d$yi, d$vi, method = "ML", control = tight)
    model <- function(...) tryCatch(
      selmodel(fit, type = "stepfun", steps = 0.025, alternative = alternative, ...),
      error = function(e) NULL)
    found <- model(control = list(optimizer = "nlminb", rel.tol = 1e-11))
    if (is.null(found)) found <- model()
    if (is.null(found)) next
    out <- c(out, list(list(
      direction = if (alternative == "greater") "positive" else "negative",
      estimate = found$beta[1], se = found$se[1], ci_lb = found$ci.lb[1], ci_ub = found$ci.ub[1],
      pval = found$pval[1], tau2 = found$tau2, tau2_se = found$se.tau2, weight = found$delta[2],
      weight_se = found$se.delta[2], log_likelihood = found$fit.stats["ll", "ML"],
      plain_log_likelihood = fit$fit.stats["ll", "ML"], lr_statistic = found$LRT,
      lr_pval = found$LRTp)))
  }
  out
}

values <- function(d) list(
  name = d$name, yi = d$yi, vi = d$vi, n_e = d$n_e, n_c = d$n_c, regressions = regressions(d),
  regtest = front_door(d), rank = rank_values(d), fills = fills(d), side = chosen_side(d),
  selections = selections(d))

cases <- lapply(c(published(), simulated()), values)
document <- list(
  made_by = "tests/reference/small_study.R",
  r = R.version.string,
  packages = list(metafor = as.character(packageVersion("metafor")),
                  metadat = as.character(packageVersion("metadat")),
                  numDeriv = as.character(packageVersion("numDeriv"))),
  calls = c("lm(yi ~ x, weights = 1/vi)", "rma(yi, vi, mods = ~ x, method, test, control = tight)",
            "regtest(yi, vi, model = 'lm')", "ranktest(yi, vi)",
            "trimfill(rma(yi, vi, method), estimator, side), pooled again with test = 'knha'",
            "selmodel(rma(yi, vi, method = 'ML'), type = 'stepfun', steps = .025, alternative)"),
  control = tight, cases = cases)
text <- toJSON(exact(document), auto_unbox = TRUE, null = "null", json_verbatim = TRUE)
writeLines(text, file.path(here, "small_study.json"))
