# Writes network.json: network and component network meta-analyses by metafor's rma.mv.
# Run: Rscript tests/reference/network.R

suppressMessages({
  library(metafor)
  library(metadat)
  library(jsonlite)
})

# metafor's search ends where the likelihood is flat to rounding, about four digits of tau2. The rest
# comes from the root of the score next to it; metafor then fits the model at that tau2.

# One row a trial and non-baseline arm: effect against the trial's first arm, the design row, and
# the exact covariances, which the variances of all pairs of its arms determine.
basic <- function(d) {
  treatments <- sort(unique(c(d$treat1, d$treat2)), method = "radix")
  blocks <- lapply(unique(d$study), function(s) {
    x <- d[d$study == s, ]
    arms <- sort(unique(c(x$treat1, x$treat2)), method = "radix")
    m <- length(arms)
    y <- v <- matrix(0, m, m, dimnames = list(arms, arms))
    for (i in seq_len(nrow(x))) {
      y[x$treat1[i], x$treat2[i]] <- x$yi[i]
      y[x$treat2[i], x$treat1[i]] <- -x$yi[i]
      v[x$treat1[i], x$treat2[i]] <- v[x$treat2[i], x$treat1[i]] <- x$vi[i]
    }
    level <- rowMeans(y)   # rounded effects of one trial are made to add up, all pairs alike
    rest <- arms[-1]
    B <- matrix(0, m - 1, length(treatments), dimnames = list(NULL, treatments))
    B[cbind(seq_along(rest), match(rest, treatments))] <- 1
    B[, arms[1]] <- -1
    V <- outer(rest, rest, Vectorize(function(a, b) (v[arms[1], a] + v[arms[1], b] - v[a, b]) / 2))
    list(study = rep(s, m - 1), y = unname(level[rest] - level[arms[1]]), B = B, V = V,
         design = rep(paste(arms, collapse = " : "), m - 1), arm = rest)
  })
  field <- function(name) unlist(lapply(blocks, `[[`, name))
  list(study = field("study"), y = field("y"), design = field("design"), arm = field("arm"),
       B = do.call(rbind, lapply(blocks, `[[`, "B")), V = lapply(blocks, `[[`, "V"))
}

full <- function(n) as.matrix(bldiag(n$V))
sharing <- function(n) {
  same <- outer(n$study, n$study, "==")
  same * 0.5 + diag(0.5, length(n$study))
}

gls <- function(n, X, tau2) {
  W <- solve(full(n) + tau2 * sharing(n))
  vcov <- solve(t(X) %*% W %*% X)
  beta <- drop(vcov %*% t(X) %*% W %*% n$y)
  r <- n$y - drop(X %*% beta)
  M <- W - W %*% X %*% vcov %*% t(X) %*% W
  list(beta = beta, vcov = vcov, q = drop(t(r) %*% W %*% r), M = M, df = length(r) - ncol(X))
}

# Generalised moments: E(Q) = df + tau2 tr(M S), with S the structure of the random effects.
moments <- function(n, X) {
  f <- gls(n, X, 0)
  max(0, (f$q - f$df) / sum(diag(f$M %*% sharing(n))))
}

restricted_score <- function(tau2, n, X) {
  f <- gls(n, X, tau2)
  S <- sharing(n)
  drop(t(n$y) %*% f$M %*% S %*% f$M %*% n$y) - sum(diag(f$M %*% S))
}

restricted <- function(n, X, dat) {
  V <- full(n)
  first <- rma.mv(y, V, mods = X, intercept = FALSE, data = dat, random = ~ row | study,
                  struct = "CS", rho = 1 / 2)
  tau2 <- 0
  if (restricted_score(0, n, X) > 0) {
    ends <- first$tau2 * c(0.99, 1.01)
    tau2 <- uniroot(restricted_score, ends, n = n, X = X, tol = 1e-16, maxiter = 1000)$root
  }
  f <- rma.mv(y, V, mods = X, intercept = FALSE, data = dat, random = ~ row | study,
              struct = "CS", rho = 1 / 2, tau2 = tau2)
  f$searched <- first$tau2
  f
}

fitted_by <- function(n, X, method) {
  if (method == "DL") {
    tau2 <- moments(n, X)
    f <- gls(n, X, tau2)
    return(list(method = method, tau2 = tau2, estimate = unname(f$beta), vcov = unname(f$vcov)))
  }
  dat <- data.frame(y = n$y, study = factor(n$study),
                    row = factor(ave(seq_along(n$y), n$study, FUN = seq_along)))
  f <- if (method == "EE") rma.mv(y, full(n), mods = X, intercept = FALSE, data = dat) else
    restricted(n, X, dat)
  list(method = method, tau2 = if (method == "EE") 0 else f$tau2, searched = f$searched, q = f$QE, q_df = f$k - f$p,
       estimate = as.numeric(f$beta), vcov = unname(vcov(f)))
}

METHODS <- c("EE", "REML", "DL")

standard <- function(n, reference) {
  X <- n$B[, colnames(n$B) != reference]
  list(reference = reference, treatments = colnames(X),
       fits = lapply(METHODS, function(m) fitted_by(n, X, m)))
}

# Every design with effects of its own: what remains is heterogeneity, the rest inconsistency.
designs <- function(n, reference) {
  X <- n$B[, colnames(n$B) != reference]
  own <- factor(paste(n$design, n$arm))
  D <- model.matrix(~ 0 + own)
  dat <- data.frame(y = n$y, study = factor(n$study),
                    row = factor(ave(seq_along(n$y), n$study, FUN = seq_along)))
  within <- rma.mv(y, full(n), mods = D, intercept = FALSE, data = dat)
  total <- gls(n, X, 0)
  tau2 <- moments(n, D)
  list(q = total$q, q_df = total$df, q_het = within$QE, q_het_df = within$k - within$p,
       tau2_within = tau2, q_inc_random = gls(n, X, tau2)$q - gls(n, D, tau2)$q)
}

# Direct estimates at the network's tau2, and what is left of the network estimate without them.
sides <- function(d, n, reference, tau2) {
  X <- n$B[, colnames(n$B) != reference]
  f <- gls(n, X, tau2)
  pairs <- unique(t(apply(d[, c("treat1", "treat2")], 1, sort)))
  pairs <- pairs[order(pairs[, 1], pairs[, 2]), , drop = FALSE]
  one <- function(a, b) {
    forward <- d$treat1 == a & d$treat2 == b
    here <- forward | (d$treat1 == b & d$treat2 == a)
    y <- ifelse(forward, d$yi, -d$yi)[here]
    direct <- if (sum(here) > 1) rma(y, d$vi[here], tau2 = tau2) else
      list(beta = y, se = sqrt(d$vi[here] + tau2))
    x <- (colnames(X) == a) - (colnames(X) == b)
    est <- sum(x * f$beta)
    v <- drop(t(x) %*% f$vcov %*% x)
    w <- 1 / v - 1 / direct$se^2
    indirect <- (est / v - as.numeric(direct$beta) / direct$se^2) / w
    list(treat1 = a, treat2 = b, k = sum(here), direct = as.numeric(direct$beta),
         direct_se = direct$se, network = est, network_se = sqrt(v),
         indirect = if (w * v < 1e-6) NULL else indirect,
         indirect_se = if (w * v < 1e-6) NULL else sqrt(1 / w))
  }
  Map(one, pairs[, 1], pairs[, 2], USE.NAMES = FALSE)
}

p_scores <- function(n, reference, tau2) {
  f <- gls(n, n$B[, colnames(n$B) != reference], tau2)
  names <- c(reference, setdiff(colnames(n$B), reference))
  theta <- c(0, f$beta)
  S <- rbind(0, cbind(0, f$vcov))
  se <- sqrt(outer(diag(S), diag(S), "+") - 2 * S)
  p <- pnorm(outer(theta, theta, "-") / se)
  diag(p) <- 0
  order <- order(names)
  list(treatments = names[order], p_score = (rowSums(p) / (length(theta) - 1))[order])
}

components <- function(n, inactive, interactions = list()) {
  parts <- strsplit(colnames(n$B), " + ", fixed = TRUE)
  names <- setdiff(sort(unique(unlist(parts))), inactive)
  C <- sapply(names, function(x) sapply(parts, function(p) as.numeric(x %in% p)))
  for (pair in interactions) {
    C <- cbind(C, C[, pair[1]] * C[, pair[2]])
    colnames(C)[ncol(C)] <- paste(pair, collapse = " * ")
  }
  X <- n$B %*% C
  stopifnot(qr(X)$rank == ncol(X))
  list(inactive = inactive, interactions = interactions, components = colnames(X),
       fits = lapply(METHODS, function(m) fitted_by(n, X, m)))
}

linde <- function() {
  d <- dat.linde2016
  d <- data.frame(study = paste("trial", d$id), treat1 = d$treat1, treat2 = d$treat2,
                  yi = d$lnOR, vi = d$selnOR^2)
  n <- basic(d)
  s <- standard(n, "Placebo")
  tau2 <- s$fits[[2]]$tau2
  list(origin = "Linde et al. (2016), Journal of Clinical Epidemiology 71:86-96, dat.linde2016",
       data = d, standard = s, designs = designs(n, "Placebo"),
       sides = sides(d, n, "Placebo", tau2), p_scores = p_scores(n, "Placebo", tau2),
       components = list(
         components(n, "Placebo"),
         components(n, "Placebo", list(c("Face-to-face PST", "SSRI")))))
}

# Arm results to all pairs; 1/2 is added to every cell of a trial with an empty cell.
hasselblad <- function() {
  a <- dat.hasselblad1998
  a$out <- a$ni - a$xi
  empty <- ave(as.numeric(a$xi == 0 | a$out == 0), a$study, FUN = max) / 2
  a$xi <- a$xi + empty
  a$out <- a$out + empty
  d <- do.call(rbind, lapply(split(a, a$study), function(x) {
    pair <- combn(nrow(x), 2)
    i <- pair[1, ]
    j <- pair[2, ]
    data.frame(study = paste("trial", x$study[1]), treat1 = x$trt[i], treat2 = x$trt[j],
               yi = log(x$xi[i] / x$out[i]) - log(x$xi[j] / x$out[j]),
               vi = 1 / x$xi[i] + 1 / x$out[i] + 1 / x$xi[j] + 1 / x$out[j])
  }))
  rownames(d) <- NULL
  n <- basic(d)
  s <- standard(n, "no_contact")
  tau2 <- s$fits[[2]]$tau2
  list(origin = "Hasselblad (1998), Medical Decision Making 18:37-43, dat.hasselblad1998",
       data = d, standard = s, designs = designs(n, "no_contact"),
       sides = sides(d, n, "no_contact", tau2), p_scores = p_scores(n, "no_contact", tau2))
}

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)))
versions <- sapply(c("metafor", "metadat"), function(p) as.character(packageVersion(p)))
write_json(
  list(made_with = c(list(r = R.version.string), as.list(versions)),
       linde = linde(), hasselblad = hasselblad()),
  file.path(here, "network.json"), digits = I(17), auto_unbox = TRUE, dataframe = "columns",
  matrix = "rowmajor", null = "null"
)
