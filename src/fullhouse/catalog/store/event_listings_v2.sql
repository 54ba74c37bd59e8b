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
    refreshed_at, words, document, timezone, category_set
)
SELECT
    e.id, e.organization_id, e.show_id, e.venue_id, e.status, s.kind, e.title,
    v.city, lower(unaccent(v.city)),
    coalesce(c.keys, '{}'), coalesce(c.lowest, 4611686018427387904),
    coalesce(n.starts_at, '9999-01-01 00:00:00+00'), coalesce(n.ends_at, '9999-01-01 00:00:00+00'),
    t.last_end, e.created_at, clock_timestamp(),
    lower(unaccent(concat_ws(
        ' ', e.title, nullif(s.title, e.title), v.name, v.city, e.location, left(p.names, 2000)
    ))),
    -- Signs would join words, such as those of a path, of which queries know nothing.
    setweight(to_tsvector('simple',
        regexp_replace(lower(unaccent(e.title)), '[^[:alnum:]]+', ' ', 'g')), 'A')
    || setweight(to_tsvector('simple', regexp_replace(lower(unaccent(concat_ws(
        ' ', nullif(s.title, e.title), v.name, v.city, e.location, s.genre, p.names, p.roles
    ))), '[^[:alnum:]]+', ' ', 'g')), 'B')
    || setweight(to_tsvector('simple', lower(unaccent(left(concat_ws(
        ' ', e.description, nullif(s.description, e.description)
    ), 20000)))), 'D'),
    e.timezone, c.set
FROM events e
JOIN shows s ON s.id = e.show_id
LEFT JOIN venues v ON v.id = e.venue_id
LEFT JOIN LATERAL (
    SELECT string_agg(m ->> 'name', ' ') AS names, string_agg(m ->> 'role', ' ') AS roles
    FROM jsonb_array_elements(s."cast") m
) p ON true
LEFT JOIN LATERAL (
    SELECT
        array_agg(DISTINCT lower(unaccent(k.name))) AS keys,
        md5(array_agg(DISTINCT k.name)::text)::uuid AS set,
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
    words = excluded.words, document = excluded.document, timezone = excluded.timezone,
    category_set = excluded.category_set;

-- What is asked in each category, and from when to when: at showtimes until the last of them is
-- over, and usually once none of the event is to come. Rows that stay as they are are left alone.
WITH asked AS (
    SELECT
        l.event_id, c.key, c.price, min(c.name) AS name, bool_or(c.usual) AS usual,
        max(c.ends_at) AS until,
        CASE WHEN l.last_ends_at < '9999-01-01' THEN l.last_ends_at ELSE '-infinity' END AS over
    FROM event_listings l
    CROSS JOIN LATERAL (
        SELECT lower(unaccent(k.name)) AS key, k.name, k.price, true AS usual,
            NULL::timestamptz AS ends_at
        FROM categories k
        WHERE k.event_id = l.event_id AND k.deleted_at IS NULL
        UNION ALL
        SELECT lower(unaccent(k.name)), k.name, coalesce(a.price, k.price), false, x.ends_at
        FROM showtimes x
        JOIN allotments a ON a.showtime_id = x.id
        JOIN categories k ON k.id = a.category_id AND k.deleted_at IS NULL
        WHERE x.event_id = l.event_id AND x.status = 'scheduled' AND x.deleted_at IS NULL
            AND x.ends_at > now()
    ) c
    WHERE l.event_id = ANY(wanted)
    GROUP BY l.event_id, c.key, c.price
),
fresh AS MATERIALIZED (
    SELECT a.event_id, a.key, a.price, a.name, w.asked_from, w.asked_until
    FROM asked a
    CROSS JOIN LATERAL (
        SELECT '-infinity'::timestamptz AS asked_from,
            CASE WHEN a.usual AND a.until >= a.over THEN 'infinity' ELSE a.until END AS asked_until
        WHERE a.until IS NOT NULL
        UNION ALL
        SELECT a.over, 'infinity'
        WHERE a.usual AND (a.until IS NULL OR a.until < a.over)
    ) w
),
gone AS (
    DELETE FROM listed_prices p
    WHERE p.event_id = ANY(wanted) AND NOT EXISTS (
        SELECT FROM fresh f
        WHERE f.event_id = p.event_id AND f.key = p.key AND f.price = p.price
            AND f.asked_from = p.asked_from
    )
)
INSERT INTO listed_prices AS p (event_id, key, price, asked_from, asked_until, name)
SELECT event_id, key, price, asked_from, asked_until, name FROM fresh
ON CONFLICT (event_id, key, price, asked_from) DO UPDATE SET
    asked_until = excluded.asked_until, name = excluded.name
WHERE (p.asked_until, p.name) IS DISTINCT FROM (excluded.asked_until, excluded.name);
$$;
