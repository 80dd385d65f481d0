import { contextBridge, ipcRenderer, webUtils } from "electron";

/** The channel both sides speak on; main.ts names it too, because a sandboxed preload shares no modules. */
const channel = "latency-lab";

// All the page ever gets: a port to the lab, and the path of a file that the user dropped.
contextBridge.exposeInMainWorld("latencyLab", {
  send(message: string): void {
    ipcRenderer.send(channel, message);
  },
  onMessage(listener: (message: string) => void): () => void {
    const receive = (_event: unknown, message: string) => listener(message);
    ipcRenderer.on(channel, receive);
    return () => void ipcRenderer.off(channel, receive);
  },
  pathOf(file: File): string {
    return webUtils.getPathForFile(file);
  },
});
