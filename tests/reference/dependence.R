# Writes dependence.json: sampling covariances, aggregation and robust variances.
# Run: Rscript tests/reference/dependence.R

suppressMessages({
  library(metafor)
  library(metadat)
  library(clubSandwich)
  library(robumeta)
  library(jsonlite)
})

TIGHT <- list(threshold = 1e-12, maxiter = 1000)

# Gleser & Olkin (2009), binary example: one control group, several treatments; the covariances
# are those of the chapter (section on multiple-treatment studies), the pooled effects metafor's.
gleser_binary <- function() {
  cells <- data.frame(
    study = c(1, 1, 2, 3, 3, 3), trt = c(1, 2, 1, 1, 2, 3),
    events_e = c(40, 40, 10, 150, 150, 150), n_e = c(1000, 1000, 200, 2000, 2000, 2000),
    events_c = c(100, 150, 15, 40, 80, 50), n_c = c(4000, 4000, 400, 1000, 1000, 1000)
  )
  p <- cells$events_e / cells$n_e
  shared <- list(
    RD = p * (1 - p) / cells$n_e,
    OR = 1 / (cells$n_e * p * (1 - p)),
    RR = (1 - p) / (cells$n_e * p)
  )
  one <- function(measure) {
    d <- escalc(measure = measure, ai = events_e, n1i = n_e, ci = events_c, n2i = n_c, data = cells)
    V <- diag(d$vi)
    same <- outer(cells$study, cells$study, "==") & row(V) != col(V)
    V[same] <- matrix(shared[[measure]], nrow(V), ncol(V))[same]
    fit <- rma.mv(yi, V, mods = ~ 0 + factor(trt), data = d)
    list(measure = measure, yi = as.numeric(d$yi), vi = as.numeric(d$vi), V = V,
         beta = as.numeric(coef(fit)), vcov = unname(vcov(fit)), q = fit$QE)
  }
  list(cells = cells, fits = lapply(names(shared), one))
}

# The same chapter, standardised mean differences with a shared control, and two endpoints.
gleser_smd <- function() {
  d <- data.frame(study = c(1, 1, 2, 3, 4, 4), trt = c(1, 2, 1, 1, 1, 2),
                  n_e = c(25, 22, 38, 50, 30, 30), n_c = c(25, 25, 40, 50, 30, 30))
  gain <- c(7.87, 4.35, 9.32, 8.08, 7.44, 5.34) - c(-1.36, -1.36, 0.98, 1.17, 0.45, 0.45)
  d$yi <- gain / c(4.2593, 4.2593, 2.8831, 3.1764, 2.9344, 2.9344)
  total <- ave(d$n_e, d$study, FUN = sum) + d$n_c
  d$vi <- 1 / d$n_e + 1 / d$n_c + d$yi^2 / (2 * total)
  V <- outer(d$study, d$study, "==") * (1 / d$n_c + outer(d$yi, d$yi) / (2 * total))
  diag(V) <- d$vi
  fit <- rma.mv(yi, V, mods = ~ 0 + factor(trt), data = d)
  list(data = d, V = unname(V), beta = as.numeric(coef(fit)), vcov = unname(vcov(fit)), q = fit$QE)
}

gleser_endpoints <- function() {
  r <- 0.55
  d <- data.frame(yi = c(0.976, 0.562), n_e = 22, n_c = 24)
  d$vi <- 1 / d$n_e + 1 / d$n_c + d$yi^2 / (2 * (d$n_e + d$n_c))
  list(data = d, rho = r,
       covariance = r * (1 / 22 + 1 / 24) + r^2 * prod(d$yi) / (2 * (22 + 24)))
}

# Group names and sizes decide the correlations: vcalc() with a shared group. Study labels only.
knapp <- function() {
  d <- dat.knapp2017
  d <- d[d$study %in% c(2, 3, 9, 20, 24, 29), ]
  list(data = data.frame(study = d$study, group1 = d$group1, group2 = d$group2, yi = d$yi,
                         vi = d$vi, n1 = d$n_sz, n2 = d$n_hc),
       V = unname(vcalc(vi, cluster = study, grp1 = group1, grp2 = group2, w1 = n_sz, w2 = n_hc,
                        data = d)))
}

shared_experimental <- function() {
  d <- data.frame(study = 1, yi = c(0.5, 0.3), g1 = "C", g2 = c("M", "P"), n = 30)
  d$vi <- 2 / 30 + d$yi^2 / 120
  list(yi = d$yi, vi = d$vi, n = 30,
       vcalc = vcalc(vi, cluster = study, grp1 = g1, grp2 = g2, w1 = n, w2 = n, data = d)[1, 2])
}

coefs <- function(test) {
  list(beta = test$beta, se = test$SE, df = test$df_Satt, p = test$p_Satt)
}

# rma.mv climbs the likelihood until it is flat to about seven digits; the root of its score, from
# the matrices of all effects, has the rest.
mv_score <- function(t, y, V, J, restricted) {
  W <- solve(V + t * J)
  P <- W - tcrossprod(rowSums(W)) / sum(W)
  pull <- P %*% y
  sum(J * (pull %*% t(pull))) - sum((if (restricted) P else W) * J)
}

mv_fit <- function(d, rho, method) {
  V <- vcalc(vi, cluster = study, obs = esid, rho = rho, data = d)
  J <- outer(d$study, d$study, "==") * 1
  rough <- rma.mv(yi, V, random = ~ 1 | study, data = d, method = method)
  tau2 <- uniroot(mv_score, rough$sigma2 * c(0.999, 1.001), y = d$yi, V = V, J = J,
                  restricted = method == "REML", tol = 1e-15)$root
  fit <- rma.mv(yi, V, random = ~ 1 | study, data = d, method = method, sigma2 = tau2)
  list(rho = rho, method = method, tau2 = fit$sigma2, estimate = as.numeric(fit$beta),
       cr2 = coefs(coef_test(fit, vcov = "CR2", cluster = d$study)))
}

robu_fit <- function(d, rho) {
  fit <- robu(yi ~ 1, data = d, studynum = study, var.eff.size = vi, rho = rho, small = TRUE)
  r <- fit$reg_table
  list(rho = rho, tau2 = as.numeric(fit$mod_info$tau.sq), estimate = r$b.r, se = r$SE,
       df = r$dfs, p = r$prob, ci_lb = r$CI.L, ci_ub = r$CI.U)
}

aggregated <- function(d, rho) {
  es <- escalc(measure = "GEN", yi = yi, vi = vi, data = d)
  a <- aggregate(es, cluster = study, rho = rho)
  list(rho = rho, study = unique(d$study), yi = as.numeric(a$yi), vi = as.numeric(a$vi))
}

assink <- function() {
  d <- dat.assink2016[, c("study", "esid", "yi", "vi")]
  grid <- expand.grid(rho = c(0.2, 0.6, 0.9), method = c("REML", "ML"), stringsAsFactors = FALSE)
  list(data = d,
       aggregate = lapply(c(0, 0.3, 0.6, 0.9), function(r) aggregated(d, r)),
       multivariate = Map(function(r, m) mv_fit(d, r, m), grid$rho, grid$method),
       robumeta = lapply(c(0, 0.6, 0.8), function(r) robu_fit(d, r)))
}

bcg <- function() {
  d <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
  fit <- rma(yi, vi, data = d, control = TIGHT)
  r <- robust(fit, cluster = trial, clubSandwich = TRUE)
  p <- predict(r)
  d$study <- d$trial
  list(yi = as.numeric(d$yi), vi = as.numeric(d$vi), tau2 = fit$tau2, estimate = as.numeric(r$beta),
       se = r$se, df = r$dfs, p = r$pval, ci_lb = r$ci.lb, ci_ub = r$ci.ub, pi_lb = p$pi.lb,
       pi_ub = p$pi.ub, robumeta = robu_fit(d, 0.6))
}

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)))
versions <- sapply(c("metafor", "metadat", "clubSandwich", "robumeta"),
                   function(p) as.character(packageVersion(p)))
write_json(
  list(
    made_with = c(list(r = R.version.string), as.list(versions)),
    gleser_binary = gleser_binary(), gleser_smd = gleser_smd(),
    gleser_endpoints = gleser_endpoints(), knapp = knapp(),
    shared_experimental = shared_experimental(), assink = assink(), bcg = bcg()
  ),
  file.path(here, "dependence.json"), digits = I(17), auto_unbox = TRUE, dataframe = "columns",
  matrix = "rowmajor"
)
