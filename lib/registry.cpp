// The two lists that name concrete mixers and backends.
