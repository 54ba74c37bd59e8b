-- The script of every wrk run: what is asked for, and the figures as one line of JSON.
--
-- Without arguments wrk repeats its one request. The first argument names another kind:
--
-- orders: reserve
--   2  file of access tokens, one a line; they take turns
--   3  file of bodies for POST, one a line; sent in their order, and again from the first
--   4  how many of the bodies to leave out at the beginning
--
-- reads: ask for the one address
--   2  file of access tokens, one a line; they take turns
--
-- visits: what visitors send who look at an answer before they ask for more
--   2  file of requests, one a line: method, path, address of the visitor, body, with tabs between;
--      sent in their order, and again from the first
--   3  how many of the requests to leave out at the beginning
--   4  milliseconds between an answer and the next request of the same connection, on average

local threads = {}

local function lines_of(name)
    local lines = {}
    for line in io.lines(name) do
        lines[#lines + 1] = line
    end
    return lines
end

-- Made beforehand, so that wrk takes as little as possible of the machine it measures.
local function orders_of(args)
    local tokens, requests = lines_of(args[2]), {}
    for number, body in ipairs(lines_of(args[3])) do
        local headers = {
            ["Authorization"] = "Bearer " .. tokens[(number - 1) % #tokens + 1],
            ["Content-Type"] = "application/json",
        }
        requests[number] = wrk.format("POST", nil, headers, body)
    end
    return requests, tonumber(args[4])
end

local function reads_of(args)
    local requests = {}
    for number, token in ipairs(lines_of(args[2])) do
        requests[number] = wrk.format("GET", nil, { ["Authorization"] = "Bearer " .. token })
    end
    return requests, 0
end

local function visits_of(args)
    local requests = {}
    for number, line in ipairs(lines_of(args[2])) do
        local method, path, address, body = line:match("^(.-)\t(.-)\t(.-)\t(.*)$")
        local headers = { ["X-Forwarded-For"] = address }
        if body == "" then
            body = nil
        else
            headers["Content-Type"] = "application/json"
        end
        requests[number] = wrk.format(method, path, headers, body)
    end
    return requests, tonumber(args[3])
end

function setup(thread)
    threads[#threads + 1] = thread
end

function init(args)
    statuses = {}
    if #args == 0 then
        return
    end
    local requests, sent
    if args[1] == "orders" then
        requests, sent = orders_of(args)
    elseif args[1] == "reads" then
        requests, sent = reads_of(args)
    else
        requests, sent = visits_of(args)
        local pause = tonumber(args[4])
        math.randomseed(sent + 1)
        -- Visitors know nothing of each other: that is what this distribution says.
        function delay()
            return math.floor(-pause * math.log(1 - math.random()) + 0.5)
        end
        function response(status)
            statuses[status] = (statuses[status] or 0) + 1
        end
    end
    -- wrk looks once, after this function, which of the others there are.
    function request()
        sent = sent + 1
        return requests[(sent - 1) % #requests + 1]
    end
end

function done(summary, latency)
    local counts = {}
    for _, thread in ipairs(threads) do
        for status, count in pairs(thread:get("statuses")) do
            counts[#counts + 1] = string.format('"%d":%d', status, count)
        end
    end
    local broken = summary.errors.connect + summary.errors.read + summary.errors.write
        + summary.errors.timeout
    io.write(string.format(
        '{"seconds":%.6f,"answers":%d,"errors":%d,"broken":%d,"p50_ms":%.3f,"p99_ms":%.3f,'
            .. '"max_ms":%.3f,"statuses":{%s}}\n',
        summary.duration / 1e6, summary.requests, summary.errors.status, broken,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
        table.concat(counts, ",")
    ))
end
