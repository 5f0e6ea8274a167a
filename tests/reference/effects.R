# Reference effect sizes: metafor's escalc() for standardised mean differences, mean differences
# and 2 x 2 tables, incl. empty cells. Writes effects.json beside this file.
suppressMessages({library(metafor); library(jsonlite)})
args <- commandArgs(FALSE)
here <- dirname(sub("^--file=", "", args[grep("^--file=", args)]))
num <- function(x) sprintf("%.17g", as.numeric(x))

means <- data.frame(
  m1i = c(8, 10.5, 3.72, 22, 0.4), sd1i = c(4, 7, 3.49, 4.13, 1.1), n1i = c(25, 25, 18, 14, 120),
  m2i = c(10, 14.2, 5.94, 25, 0.1), sd2i = c(4, 10, 6.17, 3.9, 0.9), n2i = c(25, 57, 17, 5, 131))
smd <- lapply(c(LS = "LS", LS2 = "LS2", UB = "UB"), function(type) {
  es <- escalc("SMD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i,
               data = means, vtype = type)
  list(yi = num(es$yi), vi = num(es$vi))
})
md <- escalc("MD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = means)

tables <- data.frame(
  ai = c(15, 4, 0, 20, 31, 5), n1i = c(28, 20, 12, 20, 60, 5),
  ci = c(6, 8, 3, 14, 29, 1), n2i = c(28, 20, 11, 19, 57, 5))
two <- lapply(c(OR = "OR", RR = "RR", RD = "RD"), function(measure) {
  es <- escalc(measure, ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = tables, add = 1/2, to = "only0")
  list(yi = num(es$yi), vi = num(es$vi))
})
write_json(list(
  about = list(r = R.version.string, metafor = as.character(packageVersion("metafor")),
               call = "escalc(measure, ..., vtype =) and escalc(measure, ..., add = 1/2, to = 'only0')"),
  means = lapply(means, num), smd = smd, md = list(yi = num(md$yi), vi = num(md$vi)),
  tables = lapply(tables, num), two_by_two = two
), file.path(here, "effects.json"), auto_unbox = FALSE, pretty = TRUE)
