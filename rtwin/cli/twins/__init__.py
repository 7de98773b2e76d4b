"""Commands on the folder of a twin: build, keep current, judge, merge, and train its networks."""
