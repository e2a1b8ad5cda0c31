// What the benchmark prints on standard output: a table for people, or a line of JSON for each finished cell.
#pragma once

#include <string>

#include "dataplane/bench/measurement.h"
#include "dataplane/bench/rates.h"

namespace sekisho::dataplane::bench {

struct MachineReport {
  unsigned processors = 1;
  bool huge = false;  // packets and tables lie in hugepages
  crypto::EspBackend backend{};
  Effort effort;
};

class Report {
 public:
  Report(const Scenario& scenario, bool json_lines) : scenario_(scenario), json_lines_(json_lines) {}

  void machine(const MachineReport& machine);
  // What is being done: a line of JSON, or for people on a terminal, on standard error.
  void progress(const std::string& what);
  // `note`: what a reader must know about the figures; may be empty.
  void cell(const Cell& cell, const Figures& figures, const std::string& note);
  // All of forwarding, which serves several cells at once: what they have not in common is left open.
  void forwarded(const std::vector<Cell>& cells, const Figures& figures, const std::string& note);
  // One second of forwarding.
  void second(const Second& second);
  // A cell that is not measured, and why.
  void skipped(const Cell& cell, const std::string& note);
  // "aes128gcm16 64 out, 1 tunnel"
  static std::string title(const Cell& cell);

 private:
  struct Label;
  void row(const Label& label, const Figures& figures, const std::string& note);

  const Scenario& scenario_;
  const bool json_lines_;
  bool headed_ = false;  // the table's head is printed
};

}  // namespace sekisho::dataplane::bench
