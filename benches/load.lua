-- What wrk sends: orders of 256 bytes, each under a key of its own, or all under the key in KEY.
local key = os.getenv("KEY")
local run = os.getenv("RUN")
local count = 0
local goats = { string.rep("7", 26), string.rep("8", 26) }
local items = '{"items":[{"catalogItem":"Milk","goatId":"' .. goats[1] ..
    '","quantity":1},{"catalogItem":"Soap","goatId":"' .. goats[2] .. '","quantity":2}],"note":"'
local body = items .. string.rep("x", 256 - #items - 2) .. '"}'
local headers = { ["Content-Type"] = "application/json" }

assert(#body == 256)

request = function()
    count = count + 1
    headers["Idempotency-Key"] = key or string.format("%s-%012d", run, count)
    return wrk.format("POST", "/orders", headers, body)
end

done = function(summary, latency, _)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.write(string.format("figures %d %d %d %d %d %d\n", summary.requests, summary.duration,
        latency:percentile(50), latency:percentile(99), latency:percentile(99.9), failed))
end
