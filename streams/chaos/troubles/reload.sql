-- Sessions that are open take up the changed setting, too.
SELECT pg_reload_conf()
