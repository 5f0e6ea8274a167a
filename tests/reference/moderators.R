# Writes moderators.json: meta-regressions and subgroups by metafor, CR2 tests by clubSandwich.
# Run: Rscript tests/reference/moderators.R

suppressMessages({
  library(metafor)
  library(metadat)
  library(clubSandwich)
  library(jsonlite)
})

METHODS <- c("EE", "DL", "HE", "PM", "ML", "REML", "SJ", "HS")
TIGHT <- list(threshold = 1e-12, maxiter = 1000, tol = 1e-12, tau2.max = 1e9)

# Likelihood and score in tau2, to see which maximum metafor's climb ended in.
parts <- function(t, y, v, X) {
  W <- diag(1 / (v + t))
  M <- solve(crossprod(X, W %*% X))
  list(W = W, P = W - W %*% X %*% M %*% crossprod(X, W), M = M)
}

log_likelihood <- function(t, y, v, design, restricted) {
  m <- parts(t, y, v, design)
  0.5 * (sum(log(diag(m$W))) + restricted * as.numeric(determinant(m$M)$modulus) -
           sum(y * (m$P %*% y)))
}

score <- function(t, y, v, design, restricted) {
  m <- parts(t, y, v, design)
  sum((m$P %*% y)^2) - sum(diag(if (restricted) m$P else m$W))
}

highest_mode <- function(y, v, design, restricted) {
  top <- 10 * (diff(range(y))^2 + max(v))
  grid <- c(0, exp(seq(log(min(v) * 1e-5), log(top), length.out = 600)))
  heights <- sapply(grid, log_likelihood, y = y, v = v, design = design, restricted = restricted)
  best <- which.max(heights)
  if (best == 1 && score(0, y, v, design, restricted) <= 0) return(0)
  uniroot(score, grid[c(max(best - 1, 1), best + 1)], y = y, v = v, design = design,
          restricted = restricted, tol = 1e-14 * min(v), maxiter = 10000)$root
}

fitted <- function(d, formula, method, test) {
  fit <- function(...) {
    suppressWarnings(try(
      rma(yi, vi, mods = formula, data = d, method = method, test = test, control = TIGHT, ...),
      silent = TRUE
    ))
  }
  found <- fit()
  climb <- "ok"
  if (method %in% c("ML", "REML")) {
    mode <- highest_mode(d$yi, d$vi, model.matrix(formula, d), method == "REML")
    if (inherits(found, "try-error")) climb <- "failed"
    else if (abs(found$tau2 - mode) > 1e-7 * (1 + mode)) climb <- "lower mode"
    if (climb != "ok") found <- fit(tau2 = mode)
  }
  list(fit = found, climb = climb)
}

described <- function(d, formula, method, test) {
  found <- fitted(d, formula, method, test)
  fit <- found$fit
  out <- list(
    method = method, test = test, climb = found$climb, tau2 = fit$tau2,
    beta = as.numeric(fit$beta), se = fit$se, stat = fit$zval, p = fit$pval,
    ci_lb = fit$ci.lb, ci_ub = fit$ci.ub, omnibus = fit$QM, omnibus_p = fit$QMp,
    i2 = fit$I2, h2 = fit$H2, q = fit$QE, q_p = fit$QEp
  )
  if (found$climb == "ok" && method != "EE" && !is.null(fit$R2)) out$r2 <- fit$R2
  out
}

profile <- function(d, formula) {
  found <- confint(rma(yi, vi, mods = formula, data = d, method = "DL"),
                   control = list(tol = 1e-12, maxiter = 10000, tau2.max = 1e9))
  list(tau2 = unname(found$random["tau^2", 2:3]), null = isTRUE(found$ci.null))
}

predicted <- function(d, formula, test) {
  p <- predict(rma(yi, vi, mods = formula, data = d, test = test, control = TIGHT))
  list(test = test, estimate = p$pred, se = p$se, ci_lb = p$ci.lb, ci_ub = p$ci.ub,
       pi_lb = p$pi.lb, pi_ub = p$pi.ub)
}

generated <- function(i) {
  k <- c(5, 8, 12, 20, 40, 80)[(i - 1) %% 6 + 1]
  ratio <- c(1, 10, 100, 1e4)[(i - 1) %% 4 + 1]
  tau2 <- c(0, 0.05, 0.5, 20)[((i - 1) %/% 4) %% 4 + 1]
  d <- data.frame(
    g = rep(c("a", "b", "c"), length.out = k)[sample(k)],
    year = sample(-20:24, k, replace = TRUE), # since 2000: metafor inverts X'WX
    vi = 0.02 * exp(runif(k, 0, log(ratio)))
  )
  d$yi <- 0.3 + 0.2 * (d$g == "b") + 0.01 * d$year + rnorm(k, 0, sqrt(d$vi + tau2))
  d$yi <- round(d$yi, 5)
  d$vi <- round(d$vi, 6)
  formula <- if (k == 5) ~ year else ~ g + year
  grid <- expand.grid(test = c("z", "knha", "adhoc"), method = METHODS, stringsAsFactors = FALSE)
  grid <- grid[(seq_len(nrow(grid)) + i) %% 3 == 0 & !(grid$method == "EE" & grid$test != "z"), ]
  list(formula = deparse(formula), data = d, q_profile = profile(d, formula),
       fits = unname(Map(function(m, t) described(d, formula, m, t), grid$method, grid$test)))
}

bcg_data <- function() {
  d <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
  data.frame(yi = as.numeric(d$yi), vi = as.numeric(d$vi), alloc = d$alloc, year = d$year,
             ablat = d$ablat)
}

bcg <- function() {
  d <- bcg_data()
  formulas <- list(~ alloc, ~ ablat, ~ alloc + year, ~ 0 + alloc, ~ alloc * ablat)
  grid <- expand.grid(test = c("z", "knha", "adhoc"), method = METHODS, stringsAsFactors = FALSE)
  grid <- grid[!(grid$method == "EE" & grid$test != "z"), ]
  one <- function(f) {
    list(formula = deparse(f), q_profile = profile(d, f),
         predict = lapply(c("z", "knha"), function(t) predicted(d, f, t)),
         fits = unname(Map(function(m, t) described(d, f, m, t), grid$method, grid$test)))
  }
  list(data = d, models = lapply(formulas, one))
}

# Levels by themselves, and their comparison with separate tau2.
subgroup_fits <- function() {
  d <- bcg_data()
  levels <- sort(unique(d$alloc))
  one <- function(method, test) {
    fits <- lapply(levels, function(g) {
      rma(yi, vi, data = d, subset = alloc == g, method = method, test = test, control = TIGHT)
    })
    normal <- lapply(levels, function(g) {
      rma(yi, vi, data = d, subset = alloc == g, method = method, control = TIGHT)
    })
    between <- rma(sapply(normal, coef), sei = sapply(normal, `[[`, "se"), method = "FE")
    list(method = method, test = test, levels = levels, k = sapply(fits, `[[`, "k"),
         estimate = sapply(fits, coef), se = sapply(fits, `[[`, "se"),
         ci_lb = sapply(fits, `[[`, "ci.lb"), ci_ub = sapply(fits, `[[`, "ci.ub"),
         pi_lb = sapply(fits, function(f) predict(f)$pi.lb),
         pi_ub = sapply(fits, function(f) predict(f)$pi.ub),
         tau2 = sapply(fits, `[[`, "tau2"), i2 = sapply(fits, `[[`, "I2"),
         qb = between$QE, qb_p = between$QEp)
  }
  differences <- function(test) {
    f <- rma(yi, vi, mods = ~ 0 + alloc, data = d, test = test, control = TIGHT)
    a <- anova(f, X = rbind(c(-1, 1, 0), c(-1, 0, 1), c(0, -1, 1)))
    list(test = test, estimate = as.numeric(a$Xb), se = as.numeric(a$se), p = as.numeric(a$pval))
  }
  list(fits = lapply(c("z", "knha"), function(t) one("REML", t)),
       differences = lapply(c("z", "knha"), differences))
}

robust_fits <- function() {
  d <- dat.assink2016[, c("study", "yi", "vi", "year", "deltype")]
  one <- function(f, method) {
    fit <- rma(yi, vi, mods = f, data = d, method = method, control = TIGHT)
    tests <- coef_test(fit, vcov = "CR2", cluster = d$study)
    p <- fit$p
    w <- Wald_test(fit, constraints = constrain_zero(2:p), vcov = "CR2", cluster = d$study,
                   test = c("chi-sq", "HTZ"))
    last <- linear_contrast(fit, vcov = "CR2", cluster = d$study,
                            contrasts = matrix(c(rep(0, p - 2), -1, 1), 1))
    list(formula = deparse(f), method = method, tau2 = fit$tau2, beta = tests$beta, se = tests$SE,
         df = tests$df_Satt, p = tests$p_Satt, chisq = w$Fstat[1] * w$df_num[1],
         chisq_p = w$p_val[1], f = w$Fstat[2], f_df2 = w$df_denom[2], f_p = w$p_val[2],
         contrast = list(estimate = last$Est, se = last$SE, df = last$df, ci_lb = last$CI_L))
  }
  formulas <- list(~ deltype, ~ deltype + year)
  list(data = d, fits = c(lapply(formulas, one, method = "REML"), lapply(formulas, one, method = "DL")))
}

set.seed(20240607)
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)))
versions <- sapply(c("metafor", "metadat", "clubSandwich"),
                   function(p) as.character(packageVersion(p)))
write_json(
  list(
    made_with = c(list(r = R.version.string), as.list(versions), list(
      call = "rma(yi, vi, mods, method, test, control = list(threshold = 1e-12, maxiter = 1000))",
      note = paste("climb: 'failed' or 'lower mode' where metafor's own iteration did not end, or",
                   "ended in a lower maximum; the row then holds rma(tau2 = the highest maximum",
                   "found on a grid)")
    )),
    bcg = bcg(), subgroups = subgroup_fits(), robust = robust_fits(),
    generated = lapply(1:48, generated)
  ),
  file.path(here, "moderators.json"), digits = I(17), auto_unbox = TRUE, dataframe = "columns",
  matrix = "rowmajor"
)
