"""Formats of tables: one a file, all read as `table.Table`."""
