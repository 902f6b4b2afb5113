#!/usr/bin/perl
# build.pl ROOT OUT: every page of Markdown as HTML under OUT, laid out as in the repository; ends with 1 where a link is dead.
# Markdown is read by cmark-gfm; here are the frame, the colours of code, the links. Perl's own modules only.
use strict;
use warnings;
use File::Basename qw(dirname basename);
use File::Copy qw(copy);
use File::Path qw(make_path);
use File::Spec;

my ($root, $out) = @ARGV;
my $here = dirname(__FILE__);
my $frame = slurp("$here/page.html");

# The menu: title and pages in order. What is not named here is found by links.
my @menu = (
  ['Begin', 'README.md', 'docs/README.md', 'docs/tour.md', 'docs/coming-from-python.md'],
  ['Lessons', glob_pages('docs/lessons/[0-9]*.md')],
  ['Guides', 'docs/audit-your-own.md', glob_pages('docs/guides/*.md')],
  ['Manual', map { "docs/$_.md" } qw(attacks audit metrics prior tools editors/README results benchmarks performance)],
  ['Reference', map { "docs/$_.md" } qw(language library/README diagnostics glossary bibliography)],
  ['Inside', map { "docs/$_.md" } qw(architecture decisions)],
);
my @pages = ('README.md', glob_pages('docs/*.md'), glob_pages('docs/*/*.md'));
my %is_page = map { $_ => 1 } @pages;
my (%title, %anchors, %links, %copied);

for my $page (@pages) {
  my ($line) = slurp("$root/$page") =~ /^# +(.+)$/m;
  $title{$page} = $line // basename($page, '.md');
  $title{$page} =~ s/[`*]//g;
}
$title{'README.md'} = 'What Seep is';
for my $page (@pages) { write_page($page) }
spew("$out/style.css", slurp("$here/style.css"));
spew("$out/index.html", slurp("$out/docs/index.html") =~ s/(href|src)="(?!#|[a-z]+:)([^"]+)"/"$1=\"" . from_root($2) . '"'/ger)
  if $is_page{'docs/README.md'};

my $dead = 0;
for my $page (sort keys %links) {
  for my $link (@{$links{$page}}) {
    my ($file, $anchor) = @$link;
    if (!-e "$out/$file") { print "$page: a dead link to $file\n"; $dead++ }
    elsif ($anchor ne '' && $anchors{$file} && !$anchors{$file}{$anchor}) { print "$page: $file has no heading #$anchor\n"; $dead++ }
  }
}
printf "%d pages in %s, %d dead links\n", scalar @pages, $out, $dead;
exit($dead ? 1 : 0);

sub glob_pages { map { substr($_, length("$root/")) } sort glob("$root/$_[0]") }
sub slurp { local (@ARGV, $/) = ($_[0]); my $text = <>; $text // '' }
sub spew { my ($path, $text) = @_; make_path(dirname($path)); open(my $f, '>', $path) or die "$path: $!\n"; print $f $text; close $f or die "$path: $!\n" }
sub target { my ($page) = @_; (my $html = $page) =~ s/\.md$/.html/; $html =~ s{(^|/)README\.html$}{$1index.html}; $html = 'about.html' if $page eq 'README.md'; $html }
sub normal { my @parts; for (split m{/}, $_[0]) { next if $_ eq '.' || $_ eq ''; if ($_ eq '..') { pop @parts } else { push @parts, $_ } } join '/', @parts }
sub relative { my ($to, $from) = @_; File::Spec->abs2rel("/$to", '/' . dirname($from)) }
sub from_root { my ($link) = @_; $link =~ m{^\.\./(.*)}s ? $1 : "docs/$link" }
sub escaped { my ($t) = @_; $t =~ s/&/&amp;/g; $t =~ s/</&lt;/g; $t =~ s/>/&gt;/g; $t =~ s/"/&quot;/g; $t }

# As Markdown hosts make them: small letters, no punctuation, dashes for spaces.
sub slug { my ($t) = @_; $t =~ s/<[^>]*>//g; $t =~ s/&[a-z]+;//g; $t = lc $t; $t =~ s/[^a-z0-9 _\x80-\xff-]//g; $t =~ s/ /-/g; $t }

sub write_page {
  my ($page) = @_;
  my $file = target($page);
  open(my $in, '-|', 'cmark-gfm', '--github-pre-lang', '-e', 'table', '-e', 'autolink', '-e', 'strikethrough', "$root/$page")
    or die "cmark-gfm: $!\n";
  my $body = do { local $/; <$in> };
  close $in or die "cmark-gfm failed on $page\n";

  my (%seen, @contents);
  $body =~ s{<h([1-6])>(.*?)</h\1>}{
    my ($level, $text) = ($1, $2);
    my $id = slug($text);
    $id .= '-' . $seen{$id} if $seen{$id}++;
    $anchors{$file}{$id} = 1;
    push @contents, [$id, $text] if $level == 2;
    qq(<h$level id="$id">$text</h$level>)
  }gse;
  $anchors{$file} //= {};
  $body =~ s{<pre lang="seep"><code>(.*?)</code></pre>}{'<pre class="seep"><code>' . coloured($1) . '</code></pre>'}gse;
  $body =~ s{<table>}{<div class="wide"><table>}g;
  $body =~ s{</table>}{</table></div>}g;
  $body =~ s{\b(href|src)="([^"]*)"}{$1 . '="' . link_from($page, $file, $2) . '"'}ge;

  my $menu = '';
  for my $part (@menu) {
    my ($name, @items) = @$part;
    @items = grep { $is_page{$_} } @items or next;
    $menu .= "<p>$name</p><ul>" . join('', map {
      my $class = $_ eq $page ? ' class="here"' : '';
      "<li$class><a href=\"" . relative(target($_), $file) . '">' . escaped($title{$_}) . '</a></li>'
    } @items) . "</ul>\n";
  }
  my @order = grep { $is_page{$_} } @{$menu[1]}[1 .. $#{$menu[1]}];
  my ($at) = grep { $order[$_] eq $page } 0 .. $#order;
  my $turn = '';
  if (defined $at) {
    $turn .= '<a href="' . relative(target($order[$at - 1]), $file) . '">← ' . escaped($title{$order[$at - 1]}) . '</a>' if $at > 0;
    $turn .= '<a class="next" href="' . relative(target($order[$at + 1]), $file) . '">' . escaped($title{$order[$at + 1]}) . ' →</a>' if $at < $#order;
    $turn = "<nav class=\"turn\">$turn</nav>";
  }
  my $contents = @contents > 3 ? '<nav class="contents"><p>On this page</p><ul>' . join('', map { "<li><a href=\"#$_->[0]\">$_->[1]</a></li>" } @contents) . '</ul></nav>' : '';
  my %value = (title => escaped($title{$page}), style => relative('style.css', $file), home => relative('index.html', $file),
    menu => $menu, body => $body, turn => $turn, contents => $contents);
  (my $html = $frame) =~ s/\{\{(\w+)\}\}/$value{$1} \/\/ die "no $1\n"/ge;
  spew("$out/$file", $html);
}

# A link to another page goes to its HTML; a file that is no page is copied beside.
sub link_from {
  my ($page, $file, $link) = @_;
  return $link if $link =~ /^[a-z]+:/;
  my ($path, $anchor) = $link =~ /^([^#]*)#?(.*)$/;
  if ($path eq '') { push @{$links{$page}}, [$file, $anchor]; return $link }
  my $there = normal(dirname($page) . '/' . $path);
  $there .= '/README.md' if -d "$root/$there" && $is_page{"$there/README.md"};
  my $goal = $is_page{$there} ? target($there) : $there;
  if (!$is_page{$there} && -f "$root/$there" && !$copied{$there}++) {
    make_path(dirname("$out/$there"));
    copy("$root/$there", "$out/$there") or die "$there: $!\n";
  }
  push @{$links{$page}}, [$goal, $anchor];
  relative($goal, $file) . ($anchor ne '' ? "#$anchor" : '')
}

# Seep in colours. Comes and goes with its entities.
sub coloured {
  my ($code) = @_;
  my $words = join '|', qw(let var fn if else for while in return break continue match use as test assert try catch raise defer and or not true false none);
  $code =~ s{(\#[^\n]*)|(&quot;(?:[^&\\\n]|\\.|&(?!quot;))*&quot;)|\b($words)\b|(?<![\w.])(\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?)}{
    defined $1 ? "<i>$1</i>" : defined $2 ? "<q>$2</q>" : defined $3 ? "<b>$3</b>" : "<s>$4</s>"
  }gex;
  $code
}
