-- The tables that are recorded.
SELECT name FROM :schema.tracked_tables()
