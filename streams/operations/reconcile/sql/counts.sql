SELECT kind, remedy, count(*) FROM finding GROUP BY kind, remedy
