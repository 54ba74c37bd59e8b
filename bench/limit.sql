-- One reservation, one transaction, as it would be written by hand: what group commit is
-- compared with. The same tables, rows and constraints; one row of the outbox, no NOTIFY, and no
-- version to count up. {uuid}, {showtime} and {category} are filled in (pgbench.py).
\set buyer random(0, {last_buyer})
\set code random(1, 1000000000000000)
BEGIN;
SELECT revision FROM inventories WHERE showtime_id = '{showtime}' FOR UPDATE;
UPDATE allotments SET held = held + 1 WHERE showtime_id = '{showtime}' AND category_id = '{category}' AND held + sold + blocked < capacity;
INSERT INTO bookings (showtime_id, id, user_id, code, status, currency, subtotal, fees, tax, total, expires_at) VALUES ('{showtime}', {uuid}, ('00000000-0000-7000-8000-' || lpad(to_hex(:buyer::int), 12, '0'))::uuid, :code, 'reserved', 'USD', 5000, 0, 0, 5000, now() + interval '1 day') RETURNING id AS booking, user_id AS owner \gset
INSERT INTO booking_lines (showtime_id, booking_id, category_id, name, quantity, unit_price) VALUES ('{showtime}', :booking, '{category}', 'General', 1, 5000);
INSERT INTO outbox (stream_id, id, topic, payload) VALUES ('{showtime}', {uuid}, 'booking.reserved', jsonb_build_object('bookingId', :booking::text, 'userId', :owner::text, 'status', 'reserved', 'places', 1));
COMMIT;
