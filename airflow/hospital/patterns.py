"""Queries for abnormal patterns; each row is a subject and a message."""

# The hospital's newest whole hour, against the same hour of the fourteen days before.
_USUAL = """
WITH counts AS (
  SELECT {subject} AS subject, window_start, sum({count}) AS n FROM {table} GROUP BY 1, 2
),
newest AS (SELECT max(window_start) - interval '1 hour' AS at FROM {table}),
usual AS (
  SELECT subject, avg(n) AS mean, coalesce(stddev(n), 0) AS deviation
  FROM counts, newest
  WHERE window_start < at AND window_start >= at - interval '14 days'
    AND extract(hour FROM window_start) = extract(hour FROM at)
  GROUP BY subject
)
SELECT subject, format('%s {what} at %s, usually %s', n, at, round(mean, 1))
FROM counts JOIN usual USING (subject) CROSS JOIN newest
WHERE window_start = at AND n >= 10 AND n > mean + 4 * deviation
"""
_SILENT = """
SELECT '{table}', format('its newest row is %s old', date_trunc('second', age))
FROM (SELECT now() - max(pg_xact_commit_timestamp(xmin)) AS age FROM
  (SELECT xmin FROM {table} ORDER BY {order} DESC LIMIT 100) rows) newest
WHERE age > interval '{minutes} minutes'
"""
# Between the last two runs that were recorded; a job that restarted counts from 0 again.
_REJECTS = """
WITH runs AS (
  SELECT recorded_at, rejected, clean + rejected AS total,
         lag(rejected, 1, 0::bigint) OVER past AS rejected_before,
         lag(clean + rejected, 1, 0::bigint) OVER past AS total_before
  FROM cleansing_runs WINDOW past AS (ORDER BY recorded_at)
),
newest AS (
  SELECT CASE WHEN total >= total_before
    THEN (rejected - rejected_before)::numeric / nullif(total - total_before, 0)
    ELSE rejected::numeric / nullif(total, 0) END AS share
  FROM runs ORDER BY recorded_at DESC LIMIT 1
)
SELECT 'share', format('%s %% rejected', round(100 * share, 1)) FROM newest WHERE share > {share}
"""
# The tables that must not fall silent, with the column that orders their rows by time.
STREAMS = {
    "admissions": "admission_date",
    "diagnoses": "diagnosed_at",
    "lab_results": "collected_at",
}


def queries(silent_minutes: int, reject_share: float) -> dict[str, str]:
    """The queries by kind of alert."""
    admissions = {"subject": "department", "count": "admissions", "table": "admissions_hourly"}
    labs = {"subject": "test_code", "count": "abnormal", "table": "abnormal_labs_hourly"}
    silent = " UNION ALL ".join(
        f"({_SILENT.format(table=table, order=order, minutes=silent_minutes)})"
        for table, order in STREAMS.items()
    )
    return {
        "admissions": _USUAL.format(**admissions, what="admissions"),
        "abnormal_labs": _USUAL.format(**labs, what="abnormal results"),
        "silent": silent,
        "rejects": _REJECTS.format(share=reject_share),
    }
