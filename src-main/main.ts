import { fileURLToPath } from "node:url";
import { BrowserWindow, Menu, app, dialog, ipcMain, protocol, session } from "electron";
import type { IpcMainEvent, WebContents } from "electron";
import { describeError } from "./lab/errors.ts";
import { chooseLabFolder } from "./lab/folder.ts";
import { openLab, type OpenedLab } from "./lab/lab.ts";
import { serveLab } from "./lab/wire.ts";
import { answerWindowRequest, isWindowUrl, windowScheme, windowUrl } from "./windowProtocol.ts";

const channel = "latency-lab";
const preload = fileURLToPath(new URL("../preload/preload.cjs", import.meta.url));
const files = fileURLToPath(new URL("../renderer/", import.meta.url));

let window: BrowserWindow | null = null;
let lab: OpenedLab | null = null;

app.enableSandbox();
protocol.registerSchemesAsPrivileged([
  { scheme: windowScheme, privileges: { standard: true, secure: true, supportFetchAPI: true } },
]);

if (app.requestSingleInstanceLock()) {
  app.on("second-instance", showWindow);
  app.on("activate", () => (window ? showWindow() : createWindow()));
  app.on("window-all-closed", () => app.quit());
  app.on("web-contents-created", (_event, contents) => confine(contents));
  app.on("before-quit", closeLab);
  await app.whenReady();
  await start();
} else app.quit();

async function start(): Promise<void> {
  try {
    lab = await openLab({ folder: chooseLabFolder(readFolder(process.argv), process.env) });
  } catch (error) {
    const { message, hint } = describeError(error);
    dialog.showErrorBox("Latency Lab cannot open its lab", `${message}\n\n${hint}`);
    app.exit(1);
    return;
  }
  session.defaultSession.setPermissionRequestHandler((_contents, _permission, decide) => decide(false));
  session.defaultSession.setPermissionCheckHandler(() => false);
  session.defaultSession.setDevicePermissionHandler(() => false);
  protocol.handle(windowScheme, (request) => answerWindowRequest(files, request.url, request.method));
  // On macOS the menu carries copy and paste; elsewhere the page has its own commands.
  if (process.platform !== "darwin") Menu.setApplicationMenu(null);
  createWindow();
}

function readFolder(args: readonly string[]): string | undefined {
  const place = args.findIndex((argument) => argument === "--lab" || argument.startsWith("--lab="));
  const found = args[place];
  return found === "--lab" ? args[place + 1] : found?.slice("--lab=".length);
}

function showWindow(): void {
  if (window?.isMinimized()) window.restore();
  window?.focus();
}

function createWindow(): void {
  const created = new BrowserWindow({
    width: 1280,
    height: 860,
    minWidth: 720,
    minHeight: 480,
    title: "Latency Lab",
    show: false,
    webPreferences: {
      preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      spellcheck: false,
    },
  });
  window = created;
  created.once("ready-to-show", () => created.show());
  created.on("closed", () => (window = null));
  connectPage(created.webContents);
  void created.loadURL(windowUrl);
}

// A page serves its purpose within its own address; nothing may lead it or a child of it elsewhere.
function confine(contents: WebContents): void {
  contents.on("will-navigate", (event) => event.preventDefault());
  contents.on("will-redirect", (event) => event.preventDefault());
  contents.on("will-attach-webview", (event) => event.preventDefault());
  contents.setWindowOpenHandler(() => ({ action: "deny" }));
}

/** Serves the lab to the page in `contents`, and anew to each page that is loaded there. */
function connectPage(contents: WebContents): void {
  let disconnect: (() => void) | null = null;
  const listeners = new Set<(message: string) => void>();
  const receive = (event: IpcMainEvent, message: unknown) => {
    const frame = event.senderFrame;
    if (event.sender !== contents || frame !== contents.mainFrame || !isWindowUrl(frame.url)) return;
    if (typeof message === "string") for (const listener of [...listeners]) listener(message);
  };
  const connect = () => {
    disconnect?.();
    listeners.clear();
    if (!lab) return;
    disconnect = serveLab(lab, {
      send: (message) => contents.send(channel, message),
      onMessage(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      onClose(listener) {
        contents.once("destroyed", listener);
        return () => void contents.off("destroyed", listener);
      },
    });
  };
  connect();
  ipcMain.on(channel, receive);
  contents.on("did-start-navigation", ({ isMainFrame, isSameDocument }) => {
    if (isMainFrame && !isSameDocument) connect();
  });
  contents.once("destroyed", () => void ipcMain.off(channel, receive));
}

// What runs is cancelled and committed before the program ends; then quitting goes on.
function closeLab(event: { preventDefault(): void }): void {
  if (!lab) return;
  event.preventDefault();
  const closing = lab;
  lab = null;
  void closing.close().finally(() => app.quit());
}
