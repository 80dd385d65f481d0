import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openStore, type Store } from "../../src-main/store/database.ts";
import { defaultSettings, readSettings, writeSettings } from "../../src-main/store/settings.ts";
import { makeFolder } from "../integration/storeLab.ts";

let folder: string;
let remove: () => void;
let store: Store;
beforeEach(() => {
  ({ folder, remove } = makeFolder());
  store = openStore(folder);
});
afterEach(() => {
  store.close();
  remove();
});

describe("settings", () => {
  it("start with their defaults: room for 2 GB of models, phones at most 38 °C warm", () => {
    expect(readSettings(store)).toEqual({
      adbPath: null,
      adbServers: [],
      wifiPhones: [],
      phoneCacheBytes: 2e9,
      startTemperatureC: 38,
    });
  });

  it("change alone, stay over reopening, and can be taken back", () => {
    writeSettings(store, { adbPath: "/opt/ädb tools/adb", adbServers: ["lab-2:5037"] });
    expect(writeSettings(store, { startTemperatureC: 30.5 })).toEqual({
      ...defaultSettings,
      adbPath: "/opt/ädb tools/adb",
      adbServers: ["lab-2:5037"],
      startTemperatureC: 30.5,
    });
    store.close();
    store = openStore(folder);
    expect(readSettings(store)).toMatchObject({ adbPath: "/opt/ädb tools/adb", startTemperatureC: 30.5 });
    expect(writeSettings(store, { adbPath: null, adbServers: [] })).toMatchObject({
      adbPath: null,
      adbServers: [],
    });
  });

  it("leave what another version wrote, and what it meant otherwise is the default", () => {
    const write = store.database.prepare("INSERT INTO setting (name, value) VALUES (?, ?)");
    write.run("phoneCacheBytes", '"plenty"');
    write.run("adbServers", "not JSON");
    write.run("colour", '"blue"');
    expect(readSettings(store)).toEqual(defaultSettings);
    writeSettings(store, { phoneCacheBytes: 5e8 });
    expect(readSettings(store).phoneCacheBytes).toBe(5e8);
    expect(store.database.prepare("SELECT value FROM setting WHERE name = 'colour'").pluck().get()).toBe(
      '"blue"',
    );
  });

  it("given are never the defaults themselves", () => {
    readSettings(store).adbServers.push("changed:1");
    expect(readSettings(store).adbServers).toEqual([]);
  });
});
