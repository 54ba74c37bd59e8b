-- What lists of events filter, search and sort by: made anew for these events, in the transaction
-- that changed any of them. Deleted events lose their row, deleted categories do not count.
--
-- Text is folded (lower case, no accents), so that "sao paulo" finds "São Paulo". The far future
-- stands for "no showtime yet": such events come last and are not over. Events of which all
-- showtimes were cancelled are over.
CREATE FUNCTION event_listings_refresh_v2(wanted uuid[]) RETURNS void
LANGUAGE sql AS $$
DELETE FROM event_listings l
USING events e
WHERE l.event_id = ANY(wanted) AND e.id = l.event_id AND e.deleted_at IS NOT NULL;

INSERT INTO event_listings AS l (
    event_id, organization_id, show_id, venue_id, status, kind, title, city, city_key,
    category_keys, lowest_price, next_starts_at, next_ends_at, last_ends_at, created_at,
    refreshed_at, words, document
)
SELECT
    e.id, e.organization_id, e.show_id, e.venue_id, e.status, s.kind, e.title,
    v.city, lower(unaccent(v.city)),
    coalesce(c.keys, '{}'), coalesce(c.lowest, 4611686018427387904),
    coalesce(n.starts_at, '9999-01-01 00:00:00+00'), coalesce(n.ends_at, '9999-01-01 00:00:00+00'),
    t.last_end, e.created_at, clock_timestamp(),
    lower(unaccent(concat_ws(' ', e.title, nullif(s.title, e.title), v.name, v.city, e.location))),
    setweight(to_tsvector('simple', lower(unaccent(e.title))), 'A')
    || setweight(to_tsvector('simple', lower(unaccent(concat_ws(
        ' ', nullif(s.title, e.title), v.name, v.city, e.location, s.genre
    )))), 'B')
    || setweight(to_tsvector('simple', lower(unaccent(left(concat_ws(
        ' ', e.description, nullif(s.description, e.description)
    ), 20000)))), 'D')
FROM events e
JOIN shows s ON s.id = e.show_id
LEFT JOIN venues v ON v.id = e.venue_id
LEFT JOIN LATERAL (
    SELECT
        array_agg(DISTINCT lower(unaccent(k.name))) AS keys,
        min(coalesce(o.lowest, k.price)) AS lowest
    FROM categories k
    LEFT JOIN LATERAL (
        SELECT min(coalesce(a.price, k.price)) AS lowest
        FROM showtimes x
        JOIN allotments a ON a.showtime_id = x.id AND a.category_id = k.id
        WHERE x.event_id = e.id AND x.status = 'scheduled' AND x.deleted_at IS NULL
            AND x.ends_at > now()
    ) o ON true
    WHERE k.event_id = e.id AND k.deleted_at IS NULL
) c ON true
LEFT JOIN LATERAL (
    SELECT x.starts_at, x.ends_at
    FROM showtimes x
    WHERE x.event_id = e.id AND x.status = 'scheduled' AND x.deleted_at IS NULL
        AND x.ends_at > now()
    ORDER BY x.starts_at, x.id
    LIMIT 1
) n ON true
LEFT JOIN LATERAL (
    SELECT CASE
        WHEN count(*) = 0 THEN '9999-01-01 00:00:00+00'
        ELSE coalesce(max(x.ends_at) FILTER (WHERE x.status = 'scheduled'), '-infinity')
    END AS last_end
    FROM showtimes x
    WHERE x.event_id = e.id AND x.deleted_at IS NULL
) t ON true
WHERE e.id = ANY(wanted) AND e.deleted_at IS NULL
ON CONFLICT (event_id) DO UPDATE SET
    organization_id = excluded.organization_id, show_id = excluded.show_id,
    venue_id = excluded.venue_id, status = excluded.status, kind = excluded.kind,
    title = excluded.title, city = excluded.city, city_key = excluded.city_key,
    category_keys = excluded.category_keys, lowest_price = excluded.lowest_price,
    next_starts_at = excluded.next_starts_at, next_ends_at = excluded.next_ends_at,
    last_ends_at = excluded.last_ends_at, refreshed_at = excluded.refreshed_at,
    words = excluded.words, document = excluded.document;
$$;
