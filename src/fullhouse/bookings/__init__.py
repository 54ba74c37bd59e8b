"""The selling core: the one path by which anything that can be sold changes hands."""
