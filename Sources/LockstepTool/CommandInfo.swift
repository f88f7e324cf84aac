// `lockstep info`: what this machine and this build can do.

/// The command `info`.
let infoCommand = Command(
  name: "info",
  summary: "show the CPU, the backends and why one is unavailable, and versions",
  options: [CommonOptions.json],
  examples: [("lockstep info", "what `--backend auto` chooses here, and from what")],
  run: { try $0.output.line("lockstep \(toolVersion)") })
