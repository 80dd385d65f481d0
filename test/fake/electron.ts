/**
 * A FAKE Electron for tests: the few calls main.ts makes, driven by the test over the process's message channel. It shows no
 * window and proves nothing about Electron itself, only that our side asks for what it must and refuses what it must.
 */
import { EventEmitter } from "node:events";

/** What the test tells the fake. */
export type Command =
  | { kind: "page"; frame: "main" | "child"; url: string; message: unknown; foreign?: boolean }
  | { kind: "contents"; event: string; details?: object }
  | { kind: "app"; event: string }
  | { kind: "open" }
  | { kind: "permissions" }
  | { kind: "request"; url: string; method: string };

/** What the fake tells the test. */
export type Report =
  | { kind: "called"; name: string; details: unknown }
  | { kind: "sent"; channel: string; message: string }
  | { kind: "answer"; value: unknown };

function report(message: Report): void {
  process.send?.(message);
}

function note(name: string, details: unknown = null): void {
  report({ kind: "called", name, details });
}

class FakeApp extends EventEmitter {
  enableSandbox(): void {
    note("enableSandbox");
  }

  requestSingleInstanceLock(): boolean {
    return process.env["FAKE_ELECTRON_SECOND"] === undefined;
  }

  async whenReady(): Promise<void> {}

  quit(): void {
    let prevented = false;
    this.emit("before-quit", { preventDefault: () => (prevented = true) });
    note("quit", { prevented });
    if (!prevented) process.exit(0);
  }

  exit(code: number): void {
    note("exit", code);
    process.exit(code);
  }
}

class FakeContents extends EventEmitter {
  mainFrame = { url: "" };
  openHandler: (() => { action: string }) | null = null;

  send(channel: string, message: string): void {
    report({ kind: "sent", channel, message });
  }

  setWindowOpenHandler(handler: () => { action: string }): void {
    this.openHandler = handler;
  }
}

let contents: FakeContents | null = null;

class FakeWindow extends EventEmitter {
  webContents = new FakeContents();

  constructor(options: object) {
    super();
    contents = this.webContents;
    note("BrowserWindow", options);
    app.emit("web-contents-created", {}, this.webContents);
  }

  async loadURL(url: string): Promise<void> {
    this.webContents.mainFrame.url = url;
    this.webContents.emit("did-start-navigation", { isMainFrame: true, isSameDocument: false, url });
    note("loadURL", url);
    this.emit("ready-to-show");
  }

  show(): void {
    note("show");
  }

  focus(): void {
    note("focus");
  }

  restore(): void {
    note("restore");
  }

  isMinimized(): boolean {
    return true;
  }
}

type Handler = (request: { url: string; method: string }) => Promise<Response>;
const handlers = new Map<string, Handler>();
const decisions = {
  request: null as
    ((contents: unknown, permission: string, decide: (allowed: boolean) => void) => void) | null,
  check: null as (() => boolean) | null,
  device: null as (() => boolean) | null,
};

export const app = new FakeApp();
export const ipcMain = new EventEmitter();
export { FakeWindow as BrowserWindow };
export const Menu = { setApplicationMenu: (menu: unknown): void => note("setApplicationMenu", menu) };
export const dialog = {
  showErrorBox: (title: string, text: string): void => note("showErrorBox", { title, text }),
};
export const protocol = {
  registerSchemesAsPrivileged: (schemes: object[]): void => note("registerSchemesAsPrivileged", schemes),
  handle: (scheme: string, handler: Handler): void => void handlers.set(scheme, handler),
};
export const session = {
  defaultSession: {
    setPermissionRequestHandler: (handler: NonNullable<typeof decisions.request>) =>
      void (decisions.request = handler),
    setPermissionCheckHandler: (handler: () => boolean) => void (decisions.check = handler),
    setDevicePermissionHandler: (handler: () => boolean) => void (decisions.device = handler),
  },
};

async function obey(command: Command): Promise<unknown> {
  switch (command.kind) {
    case "page": {
      const main = { url: command.url };
      if (command.frame === "main") contents!.mainFrame = main;
      const sender = command.foreign ? new FakeContents() : contents;
      ipcMain.emit("latency-lab", { sender, senderFrame: main }, command.message);
      return null;
    }
    case "contents": {
      let prevented = false;
      const event = { ...command.details, preventDefault: () => (prevented = true) };
      contents!.emit(command.event, event);
      return prevented;
    }
    case "app":
      return app.emit(command.event);
    case "open":
      return contents!.openHandler?.() ?? null;
    case "permissions": {
      const asked = await new Promise((resolve) => decisions.request!(contents, "camera", resolve));
      return [asked, decisions.check!(), decisions.device!()];
    }
    case "request": {
      const handler = handlers.get(new URL(command.url).protocol.slice(0, -1));
      if (!handler) return null;
      const response = await handler({ url: command.url, method: command.method });
      const policy = response.headers.get("Content-Security-Policy");
      return { status: response.status, policy, text: await response.text() };
    }
  }
}

// One after another, so that the test's answers come in the order of its commands.
let last: Promise<unknown> = Promise.resolve();
process.on("message", (command: Command) => {
  last = last.then(() => obey(command)).then((value) => report({ kind: "answer", value }));
});
