"""Bootstrap: the one place where settings become connected parts."""
