-- Which of the things that are made once are there.
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %(role)s),
       EXISTS (SELECT FROM pg_database WHERE datname = %(database)s),
       EXISTS (SELECT FROM pg_publication WHERE pubname = %(publication)s)
