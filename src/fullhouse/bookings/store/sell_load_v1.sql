-- Locks the showtimes of a batch and then reads all that decide() needs, in one round trip.
--
-- It must be a function: in one plain statement the reads would see the database as it was before
-- the lock was granted. In a VOLATILE function every statement sees what is committed when it
-- starts, so whatever the lock's former holder wrote is seen.
--
-- The lock leaves room for foreign keys (FOR KEY SHARE), which need no waiting.
-- Never change this file once it has been released: add sell_load_v2.sql and a migration.
CREATE FUNCTION sell_load_v1(
    showtimes uuid [],
    seat_showtimes uuid [], seats uuid [],
    booking_showtimes uuid [], bookings uuid [],
    key_showtimes uuid [], key_users uuid [], keys text [],
    overdue_limit integer
) RETURNS json LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    at timestamptz;
BEGIN
    PERFORM FROM inventories i
    WHERE i.showtime_id = ANY ($1)
    ORDER BY i.showtime_id
    FOR NO KEY UPDATE;

    -- After the lock, and as a variable: an index on expires_at serves no volatile function.
    at := clock_timestamp();

    RETURN (
        WITH wanted AS (
            (SELECT b.showtime_id, b.id
             FROM bookings b
             WHERE b.showtime_id = ANY ($1) AND b.status = 'reserved' AND b.expires_at <= at
             ORDER BY b.expires_at
             LIMIT overdue_limit)
            UNION
            SELECT a.showtime_id, a.id FROM unnest($4, $5) AS a (showtime_id, id)
            UNION
            SELECT b.showtime_id, b.id
            FROM unnest($6, $7, $8) AS k (showtime_id, user_id, key)
            JOIN bookings b
                ON b.showtime_id = k.showtime_id
                AND b.user_id = k.user_id
                AND b.idempotency_key = k.key
        ),
        wanted_seats AS (
            SELECT s.showtime_id, s.seat_id FROM unnest($2, $3) AS s (showtime_id, seat_id)
            UNION
            SELECT l.showtime_id, s.seat_id
            FROM wanted w
            JOIN booking_lines l ON l.showtime_id = w.showtime_id AND l.booking_id = w.id
            CROSS JOIN LATERAL unnest(l.seats) AS s (seat_id)
        )
        SELECT json_build_object(
            'now', at,
            'revisions', (
                SELECT coalesce(json_agg(json_build_array(i.showtime_id, i.revision)), '[]')
                FROM inventories i WHERE i.showtime_id = ANY ($1)
            ),
            'allotments', (
                SELECT coalesce(json_agg(json_build_array(
                    a.showtime_id, a.category_id, a.capacity, a.held, a.sold, a.blocked,
                    a.waiting, a.last_number
                )), '[]')
                FROM allotments a WHERE a.showtime_id = ANY ($1)
            ),
            'claims', (
                SELECT coalesce(json_agg(json_build_array(
                    c.showtime_id, c.seat_id, c.category_id, c.status, c.booking_id
                )), '[]')
                FROM wanted_seats w
                JOIN seat_claims c ON c.showtime_id = w.showtime_id AND c.seat_id = w.seat_id
            ),
            'bookings', (
                SELECT coalesce(json_agg(json_build_array(
                    b.showtime_id, b.id, b.user_id, b.code, b.status, b.currency,
                    b.subtotal, b.fees, b.tax, b.total, b.created_at, b.expires_at,
                    b.idempotency_key, b.fingerprint, coalesce(e.joined_position, 0),
                    (
                        SELECT coalesce(json_agg(json_build_array(
                            l.category_id, l.name, l.quantity, l.unit_price, l.seats, l.labels
                        ) ORDER BY l.category_id), '[]')
                        FROM booking_lines l
                        WHERE l.showtime_id = b.showtime_id AND l.booking_id = b.id
                    )
                ) ORDER BY b.expires_at), '[]')
                FROM wanted w
                JOIN bookings b ON b.showtime_id = w.showtime_id AND b.id = w.id
                LEFT JOIN waitlist_entries e
                    ON e.showtime_id = b.showtime_id AND e.booking_id = b.id
            )
        )
    );
END
$$
