#include "control/key_log/key_log.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/messages/system.h"

namespace sekisho::key_log {
namespace {

namespace fs = std::filesystem;

class Directory {
 public:
  Directory() {
    char name[] = "/tmp/key-log-test-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~Directory() { fs::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  const fs::path& path() const { return path_; }
  std::string text(const char* name) const {
    std::ifstream stream(path_ / name);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

 private:
  fs::path path_;
};

Result<std::unique_ptr<KeyLog>> open(const fs::path& directory, std::vector<Error>* faults = nullptr) {
  return KeyLog::open(directory, [faults](const Error& fault) {
    if (!faults) FAIL(fault.text());
    faults->push_back(fault);
  });
}

std::string refusal(const fs::path& directory) {
  const auto log = open(directory);
  if (log) return "";
  CHECK(log.error().message == &messages::key_log_failed);
  return log.error().detail;
}

const std::string line = "00000000000000aa,00\n";

void log_one(KeyLog& log) { log.isakmp_sa({0xaa, SecretBytes(1)}); }

}  // namespace

TEST_CASE("each table is a file of its own, which only the daemon may read") {
  const Directory directory;
  auto log = open(directory.path());
  REQUIRE(log);
  log_one(**log);
  CHECK(directory.text("ikev1_decryption_table") == line);
  CHECK(directory.text("ikev2_decryption_table").empty());
  CHECK(directory.text("esp_sa").empty());
  for (const auto& entry : fs::directory_iterator(directory.path()))
    CHECK((entry.status().permissions() & fs::perms::mask) == (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("what was logged before stays") {
  const Directory directory;
  for (int i = 0; i < 2; ++i) log_one(**open(directory.path()));
  CHECK(directory.text("ikev1_decryption_table") == line + line);
}

TEST_CASE("a directory that is not the daemon's alone is refused") {
  const Directory directory;
  SECTION("others may enter") {
    fs::permissions(directory.path(), fs::perms(0710));
    CHECK(refusal(directory.path()) == "the directory's mode is 0710");
  }
  SECTION("a symbolic link leads there") {
    fs::create_directory(directory.path() / "real");
    fs::create_directory_symlink("real", directory.path() / "link");
    fs::permissions(directory.path() / "real", fs::perms(0700));
    CHECK(refusal(directory.path() / "real").empty());
    CHECK(refusal(directory.path() / "link").find("Not a directory") != std::string::npos);
    fs::create_directory(directory.path() / "real/in");
    fs::permissions(directory.path() / "real/in", fs::perms(0700));
    CHECK(refusal(directory.path() / "link/in").find("Not a directory") != std::string::npos);
  }
  SECTION("others may change what leads there") {
    fs::create_directories(directory.path() / "open/keys");
    fs::permissions(directory.path() / "open/keys", fs::perms(0700));
    fs::permissions(directory.path() / "open", fs::perms(0777));
    CHECK(refusal(directory.path() / "open/keys").find("may be changed by others") != std::string::npos);
    fs::permissions(directory.path() / "open", fs::perms(0755));
    CHECK(refusal(directory.path() / "open/keys").empty());
  }
  SECTION("it belongs to somebody else") {
    if (geteuid() != 0) return;  // only root can give it away
    REQUIRE(chown(directory.path().c_str(), 65534, 65534) == 0);
    CHECK(refusal(directory.path()) == "the directory belongs to another user");
  }
  SECTION("it is not there") { CHECK(refusal(directory.path() / "nowhere").find("No such file") != std::string::npos); }
}

TEST_CASE("what somebody put in a file's place is neither followed nor written") {
  const Directory directory, other;
  const fs::path place = directory.path() / "esp_sa", elsewhere = other.path() / "victim";
  std::ofstream(elsewhere) << "precious";
  fs::permissions(elsewhere, fs::perms(0600));
  SECTION("a symbolic link") { fs::create_symlink(elsewhere, place); }
  SECTION("another name of a file") { fs::create_hard_link(elsewhere, place); }
  SECTION("a FIFO") { REQUIRE(mkfifo(place.c_str(), 0600) == 0); }
  SECTION("a directory") { fs::create_directory(place); }
  SECTION("a file that others may read") {
    std::ofstream stream(place);
    fs::permissions(place, fs::perms(0644));
  }
  CHECK(refusal(directory.path()).starts_with("esp_sa: "));
  CHECK(other.text("victim") == "precious");
}

TEST_CASE("a file grows to its limit and no further, and that is said once") {
  const Directory directory;
  const fs::path file = directory.path() / "ikev1_decryption_table";
  std::ofstream(file) << "#";
  fs::permissions(file, fs::perms(0600));
  fs::resize_file(file, max_file_size - line.size());
  std::vector<Error> faults;
  auto log = open(directory.path(), &faults);
  REQUIRE(log);
  log_one(**log);
  CHECK(faults.empty());
  log_one(**log);
  log_one(**log);
  REQUIRE(faults.size() == 1);
  CHECK(faults.front().message == &messages::key_log_full);
  CHECK(fs::file_size(file) == max_file_size);
}

TEST_CASE("a disk that is full is said once") {
  const Directory directory;
  std::vector<Error> faults;
  auto log = open(directory.path(), &faults);
  REQUIRE(log);
  const rlimit small{.rlim_cur = 4, .rlim_max = RLIM_INFINITY};
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  signal(SIGXFSZ, SIG_IGN);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  log_one(**log);
  log_one(**log);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  REQUIRE(faults.size() == 1);
  CHECK(faults.front().message == &messages::key_log_failed);
}

}  // namespace sekisho::key_log
