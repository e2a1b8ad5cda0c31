// The key log: for debugging, the keys of each new SA in files that Wireshark reads as they are. Whoever has the files
// can read all that is captured, so they exist only where the configuration names a directory, which nobody but the
// daemon's user may enter.
//
// Attack surface: whoever can reach port 500 makes lines of ikev2_decryption_table (keys are derived before the peer
// authenticates), so the files are bounded. The directory is opened once, by a way that no other user can bend, and the
// files are opened in it: nothing that somebody put in their place is followed or written.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <memory>

#include "base/message.h"
#include "base/unique_fd.h"
#include "control/ike/engine.h"
#include "control/key_log/wireshark.h"

namespace sekisho::key_log {

inline constexpr size_t max_file_size = size_t{16} << 20;

class KeyLog final : public ike::KeyObserver {
 public:
  // Opens all files, for appending. `fault` is told once of a file that is full or can no longer be written; then that
  // file gets nothing more.
  static Result<std::unique_ptr<KeyLog>> open(const std::filesystem::path& directory,
                                              std::function<void(const Error&)> fault);

  void ike_sa(const ike::IkeSaKeys& keys) override { append(files_[0], ikev2_line(keys)); }
  void isakmp_sa(const ike::IsakmpSaKeys& keys) override { append(files_[1], ikev1_line(keys)); }
  void child_sa(const ike::InstallChildSa& child) override { append(files_[2], esp_lines(child)); }

 private:
  struct File {
    const char* name;
    UniqueFd fd{};
    size_t size = 0;
  };

  explicit KeyLog(std::function<void(const Error&)> fault) : fault_(std::move(fault)) {}
  void append(File& file, const SecretText& text);

  std::array<File, 3> files_ = {{{"ikev2_decryption_table"}, {"ikev1_decryption_table"}, {"esp_sa"}}};
  std::function<void(const Error&)> fault_;
};

}  // namespace sekisho::key_log
