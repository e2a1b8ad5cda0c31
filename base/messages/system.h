// SKO-SYS: the operating system, files, the processes themselves.
#pragma once

#include "base/message.h"

namespace sekisho::messages {

inline constexpr Message file_unreadable{
    "SKO-SYS-001", Severity::error, "file cannot be read",
    "The file does not exist, is no file, is too large, or may not be read by this process.",
    "The detail says which; check the path, the owner and the mode of the file."};
inline constexpr Message file_unwritable{"SKO-SYS-003", Severity::error, "file cannot be written",
                                         "The directory does not exist, may not be written to, or its disk is full.",
                                         "Check the path, and the owner and mode of the directory."};
inline constexpr Message system_call_failed{"SKO-SYS-002", Severity::error, "system call failed",
                                            "The kernel refused an operation; the detail names it and the reason.",
                                            "Check privileges (CAP_NET_ADMIN) and resources; see the detail."};
inline constexpr Message object_not_found{
    "SKO-SYS-020", Severity::error, "no such object", "Nothing of this kind and name is configured.",
    "Look the names up with `sekisho show tunnel` or `sekisho show port`, or apply the configuration that has it."};
inline constexpr Message control_unreachable{
    "SKO-SYS-021", Severity::error, "control daemon cannot be reached",
    "Nothing answers on the control socket: the daemon does not run, or has another socket.",
    "Check that sekisho-control runs, and name its socket with --socket."};
inline constexpr Message rpc_malformed{
    "SKO-SYS-022", Severity::error, "request is malformed",
    "A line on the control socket is no JSON-RPC 2.0 request that the daemon knows; the detail says why.",
    "Use the CLI of the same version as the daemon, or see docs/operations.md for the methods."};
inline constexpr Message rpc_limit{"SKO-SYS-023", Severity::error, "limit of the control socket reached",
                                   "A line is too long, an answer is too large, or too many clients are connected.",
                                   "Ask for one object by name, or close other clients."};
inline constexpr Message rpc_not_permitted{"SKO-SYS-024", Severity::error, "caller may not use the control socket",
                                           "Only root and the user that the control daemon runs as may give it orders.",
                                           "Run the command as root."};
inline constexpr Message control_socket_unusable{
    "SKO-SYS-025", Severity::error, "control socket cannot be opened",
    "The path is taken by a running daemon or by something that is no socket, or cannot be created.",
    "Stop the other daemon, remove what is in the way, or choose another path with --socket."};
inline constexpr Message tunnel_up_timeout{
    "SKO-SYS-026", Severity::warning, "tunnel is not up yet",
    "The tunnel neither came up nor failed within the time that was allowed for it.",
    "Look at `sekisho show tunnel NAME`, and allow more time with --timeout."};
inline constexpr Message tunnel_unproven{"SKO-SYS-034", Severity::warning,
                                         "tunnel is up, and its probe is not answered",
                                         "The SAs are there, and no answer to the tunnel's probe came back through it. "
                                         "No route leads into the tunnel before "
                                         "one does.",
                                         "Look at `sekisho explain tunnel NAME`; see whether the target answers (`ping "
                                         "-I INTERFACE TARGET`), and whether the "
                                         "peer has a way back through the same tunnel."};
inline constexpr Message control_answer_malformed{
    "SKO-SYS-027", Severity::error, "answer cannot be understood",
    "What came from the control socket is no answer of a control daemon of this version.",
    "Check --socket, and run the CLI of the same version as the daemon."};
inline constexpr Message checker_failed{
    "SKO-SYS-028", Severity::error, "configuration checker cannot be run",
    "`sekisho check` and `sekisho config check` run the program sekisho-control, which was not found. A running daemon "
    "can check a file in its place, if its socket can be used, but not grade one.",
    "Install sekisho-control beside sekisho or in a directory of PATH."};
inline constexpr Message message_unknown{"SKO-SYS-029", Severity::error, "no such message",
                                         "The catalogue of this version has no message with that id.",
                                         "See `sekisho explain` for the list."};
inline constexpr Message nothing_to_rekey{
    "SKO-SYS-030", Severity::error, "nothing to rekey",
    "The tunnel has no SA of this kind, so there are no keys to renew.",
    "Bring the tunnel up with `sekisho tunnel up NAME`; that makes new keys, too."};

inline constexpr Message key_log_on{
    "SKO-SYS-040", Severity::warning, "keys are being logged",
    "\"key_log\" is in the configuration, so the keys of each new SA are written to the directory that the detail "
    "names. "
    "Whoever gets the files can read all traffic that was captured, now and later.",
    "When debugging is done, remove \"key_log\" and apply, delete the files, and renew the keys with `sekisho tunnel "
    "rekey "
    "NAME --ike` and `sekisho tunnel rekey NAME`."};
inline constexpr Message key_log_failed{
    "SKO-SYS-041", Severity::error, "key log cannot be written",
    "The directory is gone, it or a file in it is not the daemon's alone, or the disk is full. The key log is off, or "
    "the file that the detail names is; tunnels are not affected.",
    "Give \"key_log\".\"directory\" an own directory (mkdir -m 700) that root owns, as it does all above, and apply, "
    "be it the configuration that runs already."};
inline constexpr Message key_log_full{
    "SKO-SYS-042", Severity::warning, "key log is full",
    "The file has reached 16 MiB, and keys are no longer written to it; handshakes of strangers make lines, too.",
    "Remove the file and apply the configuration again, or take \"key_log\" out of it."};

inline constexpr Message unknown_command{"SKO-SYS-031", Severity::error, "no such command",
                                         "The command line has a word that is none of the commands at its place.",
                                         "Look at `sekisho --help`; each command has its own --help."};
inline constexpr Message counters_unavailable{
    "SKO-SYS-032", Severity::error, "there are no counters",
    "The dataplane counts, and it is not connected to the control daemon: it does not run, or cannot be reached.",
    "Look at `sekisho status`, and at whether sekisho-dataplane runs and with which socket."};
inline constexpr Message dataplane_absent{
    "SKO-SYS-033", Severity::error, "nothing is forwarded",
    "What was asked for is what the dataplane does, and it is not connected to the control daemon: it does not run, or "
    "cannot be reached.",
    "Look at `sekisho status`, and at whether sekisho-dataplane runs and with which socket."};

inline constexpr const Message* system_messages[] = {
    &file_unreadable,   &system_call_failed,   &file_unwritable,
    &object_not_found,  &control_unreachable,  &rpc_malformed,
    &rpc_limit,         &rpc_not_permitted,    &control_socket_unusable,
    &tunnel_up_timeout, &tunnel_unproven,      &control_answer_malformed,
    &checker_failed,    &message_unknown,      &nothing_to_rekey,
    &unknown_command,   &counters_unavailable, &dataplane_absent,
    &key_log_on,        &key_log_failed,       &key_log_full};

}  // namespace sekisho::messages
