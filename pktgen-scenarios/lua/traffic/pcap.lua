-- Frames recorded beforehand, in a loop: sealed packets, which no generator can make, and any random order. Pktgen gets
-- the file on its command line (-s PORT:FILE).
return function(port)
  pktgen.pcap(port, "on")
end
