"""The workbench: what a researcher uses in JupyterLab, made of widgets over the package's calls."""
