"""What leaves the project: files that other programs read, each traced back to rows of the data.

One module a format; :mod:`combined_care.exports.bundle` writes them together.
"""
