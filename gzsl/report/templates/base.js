"use strict";
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const page = JSON.parse($("#data").textContent);
const NONE = "–";

/** Percent with one decimal, ties to even as in the tables that gzsl prints. */
function pct(value) {
  if (value === null || value === undefined) return NONE;
  const v = 100 * value, quarters = v * 4;
  if (Number.isInteger(quarters) && ((quarters % 4) + 4) % 4 === 1) return (Math.floor(v) + 0.2).toFixed(1);
  return v.toFixed(1);
}

/** The same arithmetic as gzsl's harmonic_mean, in the same order. */
function harmonic(u, s) {
  return u + s > 0 ? (2 * (u * s)) / (u + s) : 0;
}

function short(value) {
  if (value === null) return "−∞";
  const text = Number(value).toPrecision(4);
  return (text.includes("e") ? text : String(Number(text))).replace("-", "−");
}

/** Names of folders as words. */
const plainName = (name) => name.replaceAll("_", " ");

function node(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

function shape(name, attributes = {}, text = null) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  return made;
}

function titled(element, text) {
  element.append(shape("title", {}, text));
  return element;
}

/** A number that axes can carry: 1, 2 or 5 times a power of ten between ticks. */
function ticks(low, high, wanted) {
  const raw = (high - low || 1) / wanted, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= raw * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) found.push(Number((k * step).toPrecision(12)));
  return found;
}

/** An SVG with axes inside host; returns it with the scales x and y. */
function frame(host, { height, x, y, xLabel, yLabel, format = String, label, left = 44, xTicks = 5, yTicks = 5 }) {
  const width = Math.max(host.clientWidth, 120), right = 12, top = 12, bottom = xLabel ? 40 : 24;
  const svg = shape("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  const scale = ([low, high], from, to) => (value) => from + ((value - low) / (high - low || 1)) * (to - from);
  const sx = scale(x, left, width - right), sy = scale(y, height - bottom, top);
  svg.append(shape("path", { class: "axis", fill: "none", d: `M${left} ${top}V${height - bottom}H${width - right}` }));
  for (const value of ticks(...x, xTicks)) {
    svg.append(shape("text", { x: sx(value), y: height - bottom + 16, "text-anchor": "middle" }, format(value, "x")));
  }
  for (const value of ticks(...y, yTicks)) {
    svg.append(shape("text", { x: left - 6, y: sy(value) + 4, "text-anchor": "end" }, format(value, "y")));
  }
  if (xLabel) svg.append(shape("text", { x: (left + width - right) / 2, y: height - 4, "text-anchor": "middle" }, xLabel));
  if (yLabel) svg.append(shape("text", { transform: `translate(11 ${(top + height - bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, yLabel));
  host.replaceChildren(svg);
  return { svg, sx, sy, left, top, right: width - right, bottom: height - bottom };
}

const line = (points) => points.map(([x, y], k) => `${k ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
