"""Studies: many recipes as one table, and how their runs are spread over processes and machines."""
