/**
 * How many files and sockets this process may have open. Node raises its own soft limit to the hard
 * one when it starts (node.cc, PlatformInit), so the hard limit is what counts. Undefined where the
 * system has none.
 */
export const openFilesMax = (): number | undefined => {
  // The types of Node 24 do not know `excludeNetwork` yet.
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork: boolean }
  const { excludeNetwork } = report
  // Otherwise the report looks up the names of every peer.
  report.excludeNetwork = true
  try {
    const facts = report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } }
    const soft = facts.userLimits?.open_files?.soft
    return typeof soft === 'number' ? soft : undefined
  } finally {
    report.excludeNetwork = excludeNetwork
  }
}
