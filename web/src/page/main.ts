/** Starts the page that `filmstrip export --format html` writes. */

import { mount } from "svelte";
import { Pictures } from "../canvas/pictures";
import "../app.css";
import { pageSource, readIndex } from "./data";
import Page from "./Page.svelte";

const target = document.getElementById("app")!;
mount(Page, { target, props: { index: readIndex(document), pictures: new Pictures(pageSource(document)) } });
