import { mount } from "svelte";
import App from "./App.svelte";
import "./theme.css";
import "./base.css";
import { connection } from "./connection.svelte.ts";
import { labState } from "./labState.svelte.ts";

const target = document.getElementById("app");
if (!target) throw new Error("The page has no #app to fill");
labState.start();
connection.open();
mount(App, { target });
