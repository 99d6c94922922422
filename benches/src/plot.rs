//! Plots of what a bench measured, as SVG in `docs/plots`.

use std::{error::Error, path::Path};

use plotters::prelude::{
    BLACK, ChartBuilder, Circle, Color, IntoDrawingArea, IntoLogRange, LineSeries, Palette,
    Palette99, PathElement, SVGBackend, SeriesLabelPosition, WHITE,
};

/// Lines over a logarithmic axis, for what grows by factors.
#[derive(Debug)]
pub struct Plot {
    /// What is shown, and its unit.
    pub title: &'static str,
    /// What the horizontal axis counts.
    pub x: &'static str,
    /// One a variant.
    pub lines: Vec<Line>,
}

/// The medians of one variant.
#[derive(Debug)]
pub struct Line {
    /// What the legend calls it.
    pub name: String,
    /// From left to right.
    pub points: Vec<(f64, f64)>,
}

impl Plot {
    /// Writes the plot, and says where; a failure is said too, for the figures are printed already.
    pub fn write(&self, file: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/plots");
        match self.draw(&folder.join(file)) {
            Ok(()) => println!("\nwrote docs/plots/{file}"),
            Err(error) => eprintln!("\ncould not write docs/plots/{file}: {error}"),
        }
    }

    fn draw(&self, path: &Path) -> Result<(), Box<dyn Error + '_>> {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let (left, right) = points().fold((f64::MAX, 1.0_f64), |(least, most), (x, _)| {
            (least.min(*x), most.max(*x))
        });
        let (bottom, top) = points().fold((f64::MAX, 1.0_f64), |(least, most), (_, y)| {
            (least.min(*y), most.max(*y))
        });
        let area = SVGBackend::new(path, (800, 480)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(self.title, ("sans-serif", 20))
            .margin(16)
            .x_label_area_size(40)
            .y_label_area_size(64)
            .build_cartesian_2d(
                (left..right).log_scale(),
                (bottom / 1.5..top * 1.5).log_scale(),
            )?;
        let whole = |number: &f64| format!("{number:.0}");
        chart
            .configure_mesh()
            .x_desc(self.x)
            .x_label_formatter(&whole)
            .y_label_formatter(&whole)
            .draw()?;
        for (index, line) in self.lines.iter().enumerate() {
            let colour = Palette99::pick(index).to_rgba();
            let points = || line.points.iter().copied();
            chart
                .draw_series(LineSeries::new(points(), colour.stroke_width(2)))?
                .label(&line.name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2))
                });
            chart.draw_series(points().map(|point| Circle::new(point, 3, colour.filled())))?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK)
            .draw()?;
        area.present()?;
        Ok(())
    }
}
