-- The highest rate at which a device loses no more than a limit (RFC 2544 section 26.1), by bisection.
--
-- Knows nothing of Pktgen: a probe is a function that offers `rate` packets/s for `seconds` and returns
-- { offered = packets/s that really were sent, loss = the fraction of them that did not come back }.
-- What was offered counts, not what was asked for: a generator has a highest rate of its own.
local search = {}

-- More trials than any sane search takes; reached where the device's loss does not depend on the rate.
local MOST_TRIALS = 60

local Search = {}
Search.__index = Search

-- options: seconds a trial takes; confirm_seconds the last one takes; resolution of the result, as a fraction of it;
-- attempts, of which one must succeed before a rate is given up, for a disturbance is no limit of the device.
function search.new(probe, maximum, options)
  return setmetatable({ probe = probe, maximum = maximum, options = options, trials = 0 }, Search)
end

function Search:try(rate, seconds)
  self.trials = self.trials + 1
  if self.trials > MOST_TRIALS then
    error("no end after " .. MOST_TRIALS .. " trials: packets are lost whatever the rate", 0)
  end
  return self.probe(rate, seconds)
end

-- Offers the rate until it holds the limit, or `attempts` times. Returns whether it did, and the last trial.
function Search:holds(rate, limit, seconds)
  local trial
  for _ = 1, self.options.attempts do
    trial = self:try(rate, seconds)
    if trial.loss <= limit then
      return true, trial
    end
  end
  return false, trial
end

-- Between `low`, which holds, and `high`, which does not.
function Search:bisect(low, high, limit, seconds)
  while high - low > self.options.resolution * high do
    local held, trial = self:holds((low + high) / 2, limit, seconds)
    if held then
      -- A generator that falls short of what is asked must not move the bracket downwards.
      low = math.max(low, trial.offered)
    else
      high = math.min(high, trial.offered)
    end
  end
  return low
end

-- Has the longer trial the last word on `rate`, which held the shorter ones: a device may hide for some seconds, in its
-- buffers, what is too much for it. Returns a rate that held.
function Search:confirmed(rate, limit)
  local low, high, step = rate, nil, 4 * self.options.resolution
  while low > 0 do
    local held, trial = self:holds(low, limit, self.options.confirm_seconds)
    if held then
      return high and self:bisect(low, high, limit, self.options.confirm_seconds) or trial.offered
    end
    low, high, step = math.max(0, low * (1 - step)), low, 2 * step
  end
  return 0
end

-- The highest rate that holds `limit`, not above `ceiling` if that is given (the result for a looser limit): packets/s
-- offered, and "device" or "generator", whichever set it. A rate of 0: even the slowest trial lost more.
function Search:throughput(limit, ceiling)
  local highest = ceiling or self.maximum
  local held, trial = self:holds(highest, limit, self.options.seconds)
  local rate = held and trial.offered or self:bisect(0, trial.offered, limit, self.options.seconds)
  local confirmed = self:confirmed(rate, limit)
  local at_full_rate = held and not ceiling and confirmed > rate * (1 - self.options.resolution)
  return confirmed, at_full_rate and "generator" or "device"
end

return search
