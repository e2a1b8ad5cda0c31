-- RFC 2544 with Pktgen: throughput for each limit of loss, then latency at shares of the last of them.
--
-- `script/pktgen` runs this with `pktgen -f`. The environment names two paths: SEKISHO_PKTGEN_LUA, this folder, and
-- SEKISHO_PKTGEN_RUN, a Lua file that returns the run:
--   report            path of the report to write (report.lua)
--   streams           as generator.lua takes them
--   loss_limits       fractions, in falling order; the result for one is the ceiling for the next
--   search            seconds, confirm_seconds, resolution, attempts, as search.lua takes them
--   latency           absent, or { shares = of the throughput, seconds =, samples = path }
local folder = assert(os.getenv("SEKISHO_PKTGEN_LUA"), "SEKISHO_PKTGEN_LUA is not set: start this by script/pktgen")
package.path = folder .. "/?.lua;" .. package.path

local generator = require("generator")
local latency = require("latency")
local report = require("report")
local search = require("search")

local run = dofile(assert(os.getenv("SEKISHO_PKTGEN_RUN"), "SEKISHO_PKTGEN_RUN is not set"))
local write = report.open(run.report)

local function measure()
  local traffic = generator.new(run.streams)
  local function probe(rate, seconds)
    local trial = traffic:offer(rate, seconds)
    write("trial", trial)
    return trial
  end

  local searching = search.new(probe, traffic.maximum, run.search)
  local rate
  for _, limit in ipairs(run.loss_limits) do
    local limited_by
    rate, limited_by = searching:throughput(limit, rate)
    write("throughput", { loss_limit = limit, rate = rate, limited_by = limited_by, trials = searching.trials })
    if rate == 0 then
      return
    end
  end
  for _, share in ipairs(run.latency and run.latency.shares or {}) do
    local seen = latency.measure(traffic, run.streams[1], rate * share, run.latency.seconds, run.latency.samples)
    seen.share = share
    write("latency", seen)
  end
end

local done, failure = pcall(measure)
if done then
  write("end", {})
else
  pktgen.stop("all")
  write("error", { text = failure })
end
pktgen.quit()
