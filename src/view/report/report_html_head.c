/* SPDX-License-Identifier: GPL-2.0-only */
/* How the page looks. Colours tell steps by their lightness, so that they do without hue, too. */
#include "view/report/html.h"
#include "view/report/report_html_inside.h"

static const char colours[] =
	":root{color-scheme:light dark;--bg:#fff;--fg:#1c2128;--dim:#5b6673;--faint:#a3abb4;--line:#d5dbe1;--soft:#f4f6f8;--link:#0b5cad;"
	"--bad:#b3261e;--warn:#8a5a00;--good:#1a6b3c;--bar:#3274b5;--mark:#c8451b;"
	"--w1:#fbe2ae;--w2:#fcd7a0;--w3:#fbb979;--w4:#f6955c;--w5:#e96f4b;--w6:#cd4746;--w7:#a02445;--w8:#670f3c;"
	"--m1:#d2e3f2;--m2:#b8d4ea;--m3:#98c1e0;--m4:#77abd5;--m5:#5795c8;--m6:#3676b1;--m7:#1d5792;--m8:#0c396b}\n"
	"@media(prefers-color-scheme:dark){:root{--bg:#12161b;--fg:#e4e8ec;--dim:#98a3ae;--faint:#5d6873;--line:#323a43;--soft:#1b2128;--link:#76b6f5;"
	"--bad:#ff8d84;--warn:#f0b445;--good:#6fcf97;--bar:#5a9bd8;--mark:#ff9a6c;"
	"--w1:#3a1a3f;--w2:#5f1f4f;--w3:#872651;--w4:#ad334c;--w5:#cf4c40;--w6:#e87238;--w7:#f6a04a;--w8:#fde08a;"
	"--m1:#1d3b57;--m2:#214b6e;--m3:#275d87;--m4:#306fa0;--m5:#3d81b6;--m6:#5f9fce;--m7:#8dbfe3;--m8:#c9e4f7}}\n"
	".worst{--1:var(--w1);--2:var(--w2);--3:var(--w3);--4:var(--w4);--5:var(--w5);--6:var(--w6);--7:var(--w7);--8:var(--w8)}\n"
	".masked{--1:var(--m1);--2:var(--m2);--3:var(--m3);--4:var(--m4);--5:var(--m5);--6:var(--m6);--7:var(--m7);--8:var(--m8)}\n"
	".h1{--c:var(--1)}.h2{--c:var(--2)}.h3{--c:var(--3)}.h4{--c:var(--4)}.h5{--c:var(--5)}.h6{--c:var(--6)}.h7{--c:var(--7)}.h8{--c:var(--8)}\n"
	".p0{--c:#cc79a7}.p1{--c:#999}.p2{--c:#e69f00}.p3{--c:#0072b2}.p4{--c:#56b4e9}.p5{--c:#009e73}.p6{--c:#d55e00}\n";

static const char text[] =
	"*{box-sizing:border-box}html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}\n"
	"body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;overflow-wrap:anywhere}\n"
	"main{max-width:88rem;margin:auto;padding:1.2rem 1.2rem 4rem}h1{font-size:1.7rem;line-height:1.2;margin:.2rem 0 .5rem}\n"
	"h2{font-size:1.25rem;margin:2.4rem 0 .3rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}"
	"h3{font-size:1.02rem;margin:1.5rem 0 .2rem}p{margin:.3rem 0 .6rem}section>p,.more{color:var(--dim)}a{color:var(--link)}\n"
	"dl{display:flex;flex-wrap:wrap;gap:.1rem 1.2rem;margin:0;color:var(--dim)}dt{margin-right:-.85rem}dd{margin:0;color:var(--fg);max-width:100%}\n"
	".lead{font-size:1.2rem;line-height:1.4;margin:1rem 0}.fine{color:var(--good)}\n"
	"nav{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin:1rem 0 0}nav a{padding:.2rem 0}\n"
	".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(7.5rem,1fr));gap:.6rem;margin:1rem 0}\n"
	".tile{background:var(--soft);border:1px solid var(--line);border-radius:8px;padding:.5rem .8rem;color:var(--dim)}"
	".tile b{display:block;font-size:1.45rem;line-height:1.25;color:var(--fg);font-variant-numeric:tabular-nums}\n"
	".tile.warning b{color:var(--warn)}.tile.error b,#missing{color:var(--bad)}\n"
	".findings{list-style:none;padding:0;margin:0}.findings>li{border-left:4px solid var(--dim);background:var(--soft);"
	"padding:.4rem .8rem;margin:.4rem 0;border-radius:0 6px 6px 0}\n"
	".findings>.error{border-color:var(--bad)}.findings>.warning{border-color:var(--warn)}"
	".findings>.error>b:first-child{color:var(--bad)}.findings>.warning>b:first-child{color:var(--warn)}time{white-space:nowrap}\n"
	"summary{cursor:pointer;padding:.3rem 0}details>div{margin-bottom:.6rem}section>details{border-bottom:1px solid var(--line)}\n"
	".name{display:inline-block;max-width:16rem;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;vertical-align:bottom;unicode-bidi:isolate}\n";

static const char tables[] =
	".box{overflow:auto;max-height:38rem;border:1px solid var(--line);border-radius:8px;margin:.5rem 0}"
	"table{border-collapse:separate;border-spacing:0;width:100%;white-space:nowrap;font-size:.88rem;font-variant-numeric:tabular-nums}\n"
	"th,td{padding:.22rem .5rem;text-align:right;font-weight:400;border-bottom:1px solid var(--line)}tbody tr:last-child>*{border-bottom:0}"
	"tbody th,th:first-child,td:first-child,.word{text-align:left}.records{width:auto}.records tr>:first-child{text-align:right}\n"
	"thead{position:sticky;top:0;z-index:2;background:var(--soft)}thead tr>*{color:var(--dim);font-weight:600;border-bottom:1px solid var(--line)}"
	"th[colspan]{text-align:center;border-left:1px solid var(--line);border-right:1px solid var(--line)}\n"
	"tbody th{position:sticky;left:0;background:var(--bg);z-index:1}tbody tr:hover>*{background:var(--soft)}.nil{color:var(--faint)}"
	".all>*{font-weight:600}.state{font-family:monospace}.wide{width:30%;min-width:9rem}\n"
	".whole .name{white-space:normal;vertical-align:top;max-width:24rem;overflow-wrap:anywhere}\n"
	".bar{display:flex;height:.9rem;min-width:8rem;border-radius:3px;overflow:hidden}.bar i{display:block;min-width:1px;background:var(--c)}\n";

static const char plots[] =
	".legend{display:flex;flex-wrap:wrap;gap:.1rem .9rem;font-size:.82rem;color:var(--dim)}"
	".legend i{display:inline-block;width:.85rem;height:.85rem;border-radius:2px;margin-right:.3rem;vertical-align:-.1rem;background:var(--c)}\n"
	".map{display:grid;grid-template-columns:max-content minmax(0,1fr) minmax(1.8rem,max-content);gap:0 .5rem;font-size:11px;color:var(--dim);margin:.4rem 0 1rem;"
	"font-variant-numeric:tabular-nums}.map svg{display:block;width:100%;background:var(--soft);shape-rendering:crispEdges}\n"
	".map span{display:block;line-height:15px;height:15px;white-space:nowrap}.map .name{display:inline-block;max-width:10rem}.left{text-align:right}\n"
	".ticks{grid-column:2;position:relative;height:1.4rem;border-top:1px solid var(--dim)}.ticks span{position:absolute;top:.15rem;transform:translateX(-50%)}"
	".ticks span:first-child[style=\"left:0.00%\"]{transform:none}\n"
	"g path{stroke:var(--c);stroke-width:.88;fill:none}.grid{stroke:var(--line);stroke-width:1px;vector-effect:non-scaling-stroke;fill:none}\n"
	".hist{gap:.25rem .5rem}.hist svg{height:52px}.hist .left{align-self:end}.bars{stroke:var(--bar);stroke-width:.9;fill:none}"
	".mark{stroke:var(--mark);stroke-width:1.5px;vector-effect:non-scaling-stroke;fill:none}\n";

static const char sizes[] =
	"@media(max-width:600px){main{padding:.8rem .8rem 3rem}.name{max-width:7rem}.map .name{display:none}tbody th .name{max-width:5.5rem}.whole .name{max-width:12rem}"
	".tiles{grid-template-columns:repeat(4,1fr);gap:.4rem}.tile{padding:.4rem .35rem;font-size:.73rem}.tile b{font-size:1.15rem}h1{font-size:1.4rem}.lead{font-size:1.08rem}.map{gap:0 .3rem}.hist .left{max-width:4rem}}\n"
	"@media print{.box{max-height:none;overflow:visible}thead,tbody th{position:static}nav{display:none}section{break-inside:avoid-page}}\n";

void report_html_head(FILE *out, const char *host)
{
	fputs("<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>\n"
	      "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	      "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n<title>SDEI on ", out);
	html_text(out, *host ? host : HTML_NO_HOST);
	fputs("</title>\n<style>\n", out);
	fputs(colours, out);
	fputs(text, out);
	fputs(tables, out);
	fputs(plots, out);
	fputs(sizes, out);
	fputs("</style></head><body><main>\n", out);
}
