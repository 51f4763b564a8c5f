"""The Celery side: a doorbell and the processes that answer it. What is due stands in the database alone."""
