-- Empty while the models run: the audit, which comes after them, writes its results into this
-- table.
select
    cast(null as string) as check_name,
    cast(null as string) as target,
    cast(null as string) as severity,
    cast(null as boolean) as passed,
    cast(null as string) as observed,
    cast(null as string) as expected,
    cast(null as timestamp) as checked_at
where false
