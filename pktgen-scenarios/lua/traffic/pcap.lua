-- Frames recorded beforehand, in a loop: sealed packets, which no generator can make, IMIX, many tunnels or routes. Pktgen
-- gets the file on its command line (-s PORT:FILE). flow: as in single.lua.
return function(port, flow)
  -- Probes for latency take their addresses from the single packet.
  require("traffic.single")(port, flow)
  pktgen.pcap(port, "on")
end
