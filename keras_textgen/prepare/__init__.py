"""A pipeline that writes corpora larger than memory, by Apache Beam."""
