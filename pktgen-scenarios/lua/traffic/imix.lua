-- IMIX: 7:4:1 of 64, 570 and 1418 bytes, spread as evenly as twelve packets allow. flow: as in single.lua, whose size
-- is that of the probes for latency.
local FCS = 4
local SIZES = { 64, 570, 64, 64, 570, 64, 1418, 64, 570, 64, 570, 64 }

return function(port, flow)
  require("traffic.single")(port, flow)
  for i, size in ipairs(SIZES) do
    pktgen.seq(i - 1, port, flow.destination_mac, flow.source_mac, flow.destination, flow.source, flow.source_port,
      flow.destination_port, flow.family, "udp", 1, size + FCS)
  end
  pktgen.set(port, "seq_cnt", #SIZES)
end
