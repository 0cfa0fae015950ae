CREATE DATABASE {database} OWNER {owner} TEMPLATE template0
