-- The script of every wrk run: what is asked for, and the figures as one line of JSON.
--
-- Without arguments wrk repeats its one request. With them it reserves:
--   1  file of access tokens, one a line; they take turns
--   2  file of bodies for POST, one a line; sent in their order, and again from the first
--   3  how many of the bodies to leave out at the beginning

local function lines_of(name)
    local lines = {}
    for line in io.lines(name) do
        lines[#lines + 1] = line
    end
    return lines
end

function init(args)
    if #args == 0 then
        return
    end
    local tokens, bodies = lines_of(args[1]), lines_of(args[2])
    -- Made beforehand, so that wrk takes as little as possible of the machine it measures.
    local requests = {}
    for number, body in ipairs(bodies) do
        local headers = {
            ["Authorization"] = "Bearer " .. tokens[(number - 1) % #tokens + 1],
            ["Content-Type"] = "application/json",
        }
        requests[number] = wrk.format("POST", nil, headers, body)
    end
    local sent = tonumber(args[3])
    -- wrk asks for the next request only if there is such a function at the start.
    function request()
        sent = sent + 1
        return requests[(sent - 1) % #requests + 1]
    end
end

function done(summary, latency)
    local broken = summary.errors.connect + summary.errors.read + summary.errors.write
        + summary.errors.timeout
    io.write(string.format(
        '{"seconds":%.6f,"answers":%d,"errors":%d,"broken":%d,"p50_ms":%.3f,"p99_ms":%.3f}\n',
        summary.duration / 1e6, summary.requests, summary.errors.status, broken,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3
    ))
end
